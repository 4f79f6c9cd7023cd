// What the tools for agents say where a budget does not answer as one would like.
using Microsoft.AspNetCore.Http;
using ModelContextProtocol;
using Purser.Api.Access;
using Purser.Api.Mcp;
using Purser.Core;

namespace Purser.Embedded.Tests.Http;

public sealed class BudgetToolTests
{
    const string later = "the budget can not be asked at the moment; try again";

    [Theory]
    [InlineData(OutcomeStatus.Unavailable, "the ledger is away", later)]
    [InlineData(OutcomeStatus.Moved, "it moved", later)]
    [InlineData(OutcomeStatus.UnknownAccount, "there is no account 'a'", "there is no account 'a'")]
    [InlineData(OutcomeStatus.Invalid, "is wrong", "account: is wrong")]
    public async Task A_budget_that_could_not_be_asked_is_no_account_that_does_not_exist(OutcomeStatus status, string detail, string told)
    {
        await using var authority = new ObservedAuthority { Answer = new(status, null, "account", detail) };
        var http = new DefaultHttpContext();
        http.Features.Set(Caller.Everybody);
        var tools = new BudgetTools(authority, authority.Clock, new HttpContextAccessor { HttpContext = http });
        foreach (var ask in new Func<Task<string>>[]
        {
            () => tools.RemainingAsync("a"), () => tools.MaySpendAsync("m", 1, 1, account: "a"),
            () => tools.LendAsync(1, "s", account: "a"), () => tools.GiveBackAsync("r", "a"),
            () => tools.ReportAsync("m", 1, 1, "u", account: "a"),
        })
            Assert.Equal(told, (await Assert.ThrowsAsync<McpException>(ask)).Message);
    }
}
