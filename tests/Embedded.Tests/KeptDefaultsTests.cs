// What the ledger keeps is read as it was kept, also where a member is the least that it can be.
using Purser.Api.Alerts;
using Purser.Core;
using Purser.Engine;
using Purser.Gate;

namespace Purser.Embedded.Tests;

public sealed class KeptDefaultsTests
{
    /// <summary>What is never the least that its type allows: levels are above 0, a span has a length, and limits and days count
    /// from 1.</summary>
    static readonly string[] never =
        ["StatusLevels.warning", "StatusLevels.critical", "StatusLevels.exceeded", "Slot.span", "BudgetState.nextLimitNo",
            "AnomalyWatch.weekStart", "AnomalyWatch.monthAnchorDay"];

    [Fact]
    public void No_member_is_lost_for_having_the_default_of_its_type()
    {
        var lost = new[] { typeof(Policy), typeof(IStore), typeof(Alert), typeof(GateRoute) }
            .SelectMany(type => Conformance.KeptDefaults.LostIn(type.Assembly)).Distinct()
            .Where(found => !never.Contains(found.Split(' ')[0])).ToArray();
        Assert.True(lost.Length == 0, string.Join('\n', lost));
    }
}
