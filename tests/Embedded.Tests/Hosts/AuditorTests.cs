// The auditor of the simulated cluster sees what it is there for, and nothing that is not there.
using NodaTime;
using Purser.Conformance.Simulation;
using Purser.Core;
using Purser.Engine;

namespace Purser.Embedded.Tests.Hosts;

public sealed class AuditorTests
{
    static readonly Instant nine = Instant.FromUtc(2026, 3, 2, 9, 0);
    readonly List<JournalEntry> journal = [];

    void Write(params BudgetEvent[] events) => journal.Add(new("a", journal.Count + 1, events[^1].At, events));

    void Limit(string id, Window window, long amount)
    {
        var policy = new Policy { Limits = [new() { Id = id, Window = window, Amount = amount }] };
        Write(new PolicyChanged(policy, 1, 0, EffectivePolicy.Merge(Policy.Empty, policy, EffectivePolicy.None, 1), [], []) { At = nine });
    }

    void Booked(Instant at, long tokens, Instant bookedAt) => Write(new Recorded(new()
    {
        Id = $"u{journal.Count}", At = at, BookedAt = bookedAt, Amounts = new(tokens, tokens, 0, 0, 1),
    }, []) { At = bookedAt });

    IReadOnlyList<string> Refused(long tokens, Instant sent, Instant answered) => [.. Auditor.Audit("a", journal,
    [
        new("a", new Reserve("h", new() { Tokens = tokens }), journal.Count, journal.Count, sent.ToUnixTimeMilliseconds(),
            answered.ToUnixTimeMilliseconds(), new(OutcomeStatus.Refused)),
    ]).Where(finding => finding.Contains("refused", StringComparison.Ordinal))];

    [Fact]
    public void A_call_that_waited_may_have_been_refused_in_any_window_that_it_waited_through()
    {
        Limit("hour", new(WindowKind.Hour), 100);
        Booked(nine + Duration.FromMinutes(90), 80, nine);
        Assert.Empty(Refused(50, nine + Duration.FromMinutes(57), nine + Duration.FromMinutes(130)));
        Assert.Single(Refused(50, nine + Duration.FromMinutes(30), nine + Duration.FromMinutes(57)));
        Assert.Single(Refused(20, nine + Duration.FromMinutes(57), nine + Duration.FromMinutes(130)));
    }

    [Fact]
    public void A_call_that_waited_may_have_been_refused_once_an_override_had_ended()
    {
        Limit("hour", new(WindowKind.Hour), 100);
        Booked(nine, 80, nine);
        var terms = new OverrideTerms { LimitId = "hour", Additional = 100, ExpiresAt = nine + Duration.FromMinutes(50) };
        Write(new OverrideAdded("o", 0, terms) { At = nine });
        Assert.Empty(Refused(50, nine + Duration.FromMinutes(40), nine + Duration.FromMinutes(70)));
        Assert.Single(Refused(50, nine + Duration.FromMinutes(40), nine + Duration.FromMinutes(45)));
    }

    [Fact]
    public void A_limit_that_begins_below_nothing_is_found()
    {
        Limit("day", new(WindowKind.Day), 100);
        var changed = (PolicyChanged)journal[0].Events[0];
        journal[0] = journal[0] with { Events = [changed with { Seeds = [new(new(1, "", Span.Always), -20)] }] };
        Assert.Contains(Auditor.Audit("a", journal, []), finding => finding.Contains("below nothing", StringComparison.Ordinal));
    }
}
