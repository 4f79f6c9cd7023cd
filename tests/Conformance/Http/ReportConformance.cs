// Reports over HTTP: shape, groups, series over days of 23 and 25 hours, what is refused.
namespace Purser.Conformance.Http;

public abstract class ReportConformance(HttpFacade host)
{
    [Fact]
    public async Task A_report_has_a_summary_groups_and_a_series()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"timestamp":"2026-03-01T10:00:00Z","session":"s1","model":"m1","user":"ann","inputTokens":100,"outputTokens":50,"cost":"0.1","durationMs":100},
             {"timestamp":"2026-03-03T10:00:00Z","session":"s2","model":"m2","inputTokens":40,"outputTokens":10,"cost":"0.2","durationMs":200,"success":false}]
            """);
        (await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-04&groupBy=model,user*model&groupBy=date")).Is(200, """
            {"period":{"from":"2026-03-01T00:00:00Z","to":"2026-03-04T00:00:00Z","timeZone":"UTC","granularity":"day"},"currency":"USD",
             "summary":{"totalInputTokens":140,"totalOutputTokens":60,"totalTokens":200,"totalRequests":2,"failedRequests":1,"totalCost":"0.3",
              "uniqueAccounts":1,"uniqueSessions":2,"averageTokensPerSession":100,"averageCostPerRequest":"0.15","averageDurationMs":150,"peakTimestamp":"2026-03-01T10:00:00Z","peakTokens":150},
             "breakdown":[
              {"type":"model","key":"m1","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75},
              {"type":"model","key":"m2","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25},
              {"type":"user*model","key":"ann*m1","keys":["ann","m1"],"totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75},
              {"type":"user*model","key":"*m2","keys":[null,"m2"],"totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25},
              {"type":"date","key":"2026-03-01","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75},
              {"type":"date","key":"2026-03-03","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25}],
             "series":[
              {"start":"2026-03-01T00:00:00Z","end":"2026-03-02T00:00:00Z","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1"},
              {"start":"2026-03-02T00:00:00Z","end":"2026-03-03T00:00:00Z","totalInputTokens":0,"totalOutputTokens":0,"totalTokens":0,"totalRequests":0,"failedRequests":0,"totalCost":"0"},
              {"start":"2026-03-03T00:00:00Z","end":"2026-03-04T00:00:00Z","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2"}]}
            """);
    }

    [Fact]
    public async Task Without_anything_said_it_covers_the_last_thirty_days_until_now()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":7}""");
        var reply = await host.Get($"/v1/reports?account={account}");
        reply.IsTime("2026-02-12T15:09:27Z", reply.Json.GetProperty("period").GetProperty("from"));
        reply.IsTime("2026-03-14T15:09:27Z", reply.Json.GetProperty("period").GetProperty("to"));
        Assert.Equal((31, 7), (reply.Json.GetProperty("series").GetArrayLength(), reply.Json.GetProperty("summary").GetProperty("totalTokens").GetInt32()));
        Assert.Equal("model", reply.Json.GetProperty("breakdown")[0].GetProperty("type").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, reply.Json.GetProperty("breakdown")[0].GetProperty("key").ValueKind);
    }

    [Theory]
    [InlineData("2026-03-29", "2026-03-30", 23)]
    [InlineData("2026-10-25", "2026-10-26", 25)]
    [InlineData("2026-06-01", "2026-06-02", 24)]
    public async Task A_day_has_the_hours_that_it_has_in_its_zone(string from, string to, int hours)
    {
        var reply = await host.Get($"/v1/reports?account={host.NewAccount()}&from={from}&to={to}&timeZone=Europe/Berlin&granularity=hour");
        Assert.Equal(hours, reply.Json.GetProperty("series").GetArrayLength());
        var days = await host.Get($"/v1/reports?account={host.NewAccount()}&from={from}&to={to}&timeZone=Europe/Berlin");
        Assert.Equal(1, days.Json.GetProperty("series").GetArrayLength());
    }

    [Fact]
    public async Task Usage_falls_on_the_day_of_the_zone()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """{"timestamp":"2026-03-09T18:20:00Z","inputTokens":5}""");
        var reply = await host.Get($"/v1/reports?account={account}&from=2026-03-09&to=2026-03-11&timeZone=Asia/Kathmandu&groupBy=date");
        Assert.Equal("2026-03-10", reply.Json.GetProperty("breakdown")[0].GetProperty("key").GetString());
        Assert.Equal([0, 5], reply.Json.GetProperty("series").EnumerateArray().Select(step => step.GetProperty("totalTokens").GetInt32()));
        var weeks = await host.Get($"/v1/reports?account={account}&from=2026-03-04&to=2026-03-11&granularity=week");
        Assert.Equal(["2026-03-04T00:00:00Z", "2026-03-09T00:00:00Z"], weeks.Json.GetProperty("series").EnumerateArray().Select(step => step.GetProperty("start").GetString()!));
    }

    [Fact]
    public async Task Several_currencies_are_not_added_up()
    {
        var tenant = Guid.NewGuid().ToString("N");
        foreach (var currency in new[] { "EUR", "USD" })
        {
            var account = host.NewAccount();
            await host.Put($"/v1/accounts/{account}/policy", $$"""{"currency":"{{currency}}"}""");
            await host.Post($"/v1/accounts/{account}/usage", $$"""{"tenant":"{{tenant}}","user":"{{currency}}","cost":"1"}""");
        }
        (await host.Get($"/v1/reports?tenant={tenant}")).IsProblem(422, "unprocessable", "currency");
        (await host.Get($"/v1/reports?tenant={tenant}&currency=USD")).IsProblem(422, "unprocessable", "currency");
        var one = await host.Get($"/v1/reports?tenant={tenant}&user=EUR");
        Assert.Equal((200, "EUR"), (one.Code, one.Member("currency")));
    }

    [Theory]
    [InlineData("groupBy=colour", "groupBy")]
    [InlineData("groupBy=user*user", "groupBy")]
    [InlineData("groupBy=user*model*tool", "groupBy")]
    [InlineData("granularity=fortnight", "granularity")]
    [InlineData("granularity=hour&from=2000-01-01&to=2026-01-01", "granularity")]
    [InlineData("timeZone=Nowhere", "timeZone")]
    [InlineData("account=a%20b", "account")]
    [InlineData("includeAnomalies=true", "includeAnomalies")]
    [InlineData("from=2026-01-01&to=2026-01-01", "to")]
    public async Task Wrong_parameters_are_named(string query, string field) => (await host.Get($"/v1/reports?{query}")).IsProblem(400, "invalid", field);
}
