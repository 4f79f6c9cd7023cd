// What the embedded host counts of its own work.
using System.Globalization;
using System.Text.RegularExpressions;
using Purser.Conformance.Servers;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class MeasureTests(HttpHost host)
{
    async Task<double> ValueAsync(string series)
    {
        var page = await host.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        return Regex.Match(page, "(?m)^" + Regex.Escape(series) + " (\\S+)$") is { Success: true } match
            ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Other hosts of this process count on the same page, so that there may be more; and an answer is counted a moment after it
    /// was sent.</summary>
    async Task GrowsAsync(Func<Task> act, params string[] series)
    {
        var before = new List<double>();
        foreach (var one in series) before.Add(await ValueAsync(one));
        await act();
        for (var i = 0; i < series.Length; i++)
        {
            var (name, wanted) = (series[i], before[i] + 1);
            await ServerProcess.UntilAsync(async () => await ValueAsync(name) >= wanted, () => name);
        }
    }

    [Fact]
    public async Task Decisions_are_counted_by_outcome()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"ever","unit":"tokens","window":"lifetime","amount":100}]}""");
        var path = $"/v1/accounts/{account}";
        await GrowsAsync(() => host.Post($"{path}/reservations", """{"tokens":60}"""), """purser_commands_total{command="reserve",outcome="done"}""", "purser_append_duration_seconds_count", """purser_append_accounts_bucket{le="+Inf"}""", "purser_batch_commands_sum");
        await GrowsAsync(() => host.Post($"{path}/reservations", """{"tokens":60}"""), """purser_commands_total{command="reserve",outcome="refused"}""");
        await GrowsAsync(() => host.Post($"{path}/check", """{"tokens":60}"""), """purser_commands_total{command="check",outcome="refused"}""");
        await GrowsAsync(() => host.Post($"{path}/reservations", """{"tokens":-1}"""), """purser_http_responses_total{status="400"}""");
        Assert.True(await ValueAsync("purser_holds") >= 1);
        Assert.True(await ValueAsync("purser_sessions") >= 1);
    }

    [Fact]
    public async Task Tokens_and_cost_are_counted_by_models_that_a_price_knows()
    {
        var path = $"/v1/accounts/{host.NewAccount()}/usage";
        await GrowsAsync(() => host.Post(path, """{"provider":"openai","model":"gpt-4o-mini","inputTokens":1000000,"outputTokens":1000000}"""),
            """purser_tokens_total{provider="openai",model="gpt-4o-mini",type="input"}""",
            """purser_tokens_total{provider="openai",model="gpt-4o-mini",type="output"}""");
        Assert.True(await ValueAsync("""purser_cost_total{provider="openai",model="gpt-4o-mini",currency="USD"}""") > 0.1);
        var madeUp = "made-up-" + Guid.NewGuid().ToString("N");
        await GrowsAsync(() => host.Post(path, $$"""{"model":"{{madeUp}}","inputTokens":1}"""), """purser_tokens_total{provider="other",model="other",type="input"}""");
        Assert.DoesNotContain(madeUp, await host.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Accounts_that_are_taken_into_memory_are_counted()
    {
        var account = host.NewAccount();
        await GrowsAsync(() => host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":1}"""), "purser_activations_total");
    }
}
