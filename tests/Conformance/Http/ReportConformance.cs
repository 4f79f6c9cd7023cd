// Reports over HTTP: shape, groups, series over days of 23 and 25 hours, what is refused.
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class ReportConformance(HttpFacade host)
{
    [Fact]
    public async Task The_cost_of_a_model_divides_into_its_input_its_output_and_its_units()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"provider":"anthropic","model":"claude-sonnet-4-5","inputTokens":1000,"cachedInputTokens":400,"outputTokens":100,"webSearches":2},
             {"provider":"anthropic","model":"claude-sonnet-4-5","inputTokens":1,"outputTokens":1},{"model":"own","inputTokens":5,"cost":"0.5"}]
            """);
        var models = (await host.Get($"/v1/reports?account={account}&parts=true")).Json.GetProperty("costEstimate").GetProperty("models");
        Assert.Equal("own", models[0].GetProperty("model").GetString());
        Assert.False(models[0].TryGetProperty("shares", out _));
        Assert.Equal("0.023438", models[1].GetProperty("totalCost").GetString());
        Assert.Equal("""{"input":"0.001923","output":"0.001515","other":"0.02"}""", models[1].GetProperty("shares").GetRawText());
        Assert.False((await host.Get($"/v1/reports?account={account}")).Json.GetProperty("costEstimate").GetProperty("models")[1]
            .TryGetProperty("shares", out _));
    }

    [Fact]
    public async Task A_report_has_a_summary_groups_and_a_series()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"timestamp":"2026-03-01T10:00:00Z","session":"s1","model":"m1","user":"ann","inputTokens":100,"outputTokens":50,"cost":"0.1","durationMs":100},
             {"timestamp":"2026-03-03T10:00:00Z","session":"s2","model":"m2","inputTokens":40,"outputTokens":10,"cost":"0.2","durationMs":200,"success":false}]
            """);
        (await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-03&groupBy=model,user*model&groupBy=date")).Is(200, """
            {"period":{"from":"2026-03-01T00:00:00Z","to":"2026-03-04T00:00:00Z","timeZone":"UTC","granularity":"day"},"currency":"USD",
             "summary":{"totalInputTokens":140,"totalOutputTokens":60,"totalTokens":200,"totalRequests":2,"failedRequests":1,"totalCost":"0.3",
              "uniqueAccounts":1,"uniqueSessions":2,"averageTokensPerSession":100,"averageCostPerRequest":"0.15","averageDurationMs":150,"peakTimestamp":"2026-03-01T10:00:00Z","peakTokens":150,
              "successPercent":50,"durationPercentiles":{"p50":100.5,"p90":201.5,"p95":201.5,"p99":201.5},"efficiency":{"tokensPerRequest":100,"outputPerInputToken":0.4286,"costPerMillionTokens":"1500"}},
             "breakdown":[
              {"type":"model","key":"m2","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25,"costPercentage":66.67,"successPercent":0,"averageCostPerRequest":"0.2","averageDurationMs":200,"durationPercentiles":{"p50":201.5,"p90":201.5,"p95":201.5,"p99":201.5},"efficiency":{"tokensPerRequest":50,"outputPerInputToken":0.25,"costPerMillionTokens":"4000"}},
              {"type":"model","key":"m1","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75,"costPercentage":33.33,"successPercent":100,"averageCostPerRequest":"0.1","averageDurationMs":100,"durationPercentiles":{"p50":100.5,"p90":100.5,"p95":100.5,"p99":100.5},"efficiency":{"tokensPerRequest":150,"outputPerInputToken":0.5,"costPerMillionTokens":"666.666666667"}},
              {"type":"user*model","key":"*m2","keys":[null,"m2"],"totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25,"costPercentage":66.67,"successPercent":0,"averageCostPerRequest":"0.2","averageDurationMs":200,"durationPercentiles":{"p50":201.5,"p90":201.5,"p95":201.5,"p99":201.5},"efficiency":{"tokensPerRequest":50,"outputPerInputToken":0.25,"costPerMillionTokens":"4000"}},
              {"type":"user*model","key":"ann*m1","keys":["ann","m1"],"totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75,"costPercentage":33.33,"successPercent":100,"averageCostPerRequest":"0.1","averageDurationMs":100,"durationPercentiles":{"p50":100.5,"p90":100.5,"p95":100.5,"p99":100.5},"efficiency":{"tokensPerRequest":150,"outputPerInputToken":0.5,"costPerMillionTokens":"666.666666667"}},
              {"type":"date","key":"2026-03-01","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1","percentage":75,"costPercentage":33.33,"successPercent":100,"averageCostPerRequest":"0.1","averageDurationMs":100,"durationPercentiles":{"p50":100.5,"p90":100.5,"p95":100.5,"p99":100.5},"efficiency":{"tokensPerRequest":150,"outputPerInputToken":0.5,"costPerMillionTokens":"666.666666667"}},
              {"type":"date","key":"2026-03-03","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2","percentage":25,"costPercentage":66.67,"successPercent":0,"averageCostPerRequest":"0.2","averageDurationMs":200,"durationPercentiles":{"p50":201.5,"p90":201.5,"p95":201.5,"p99":201.5},"efficiency":{"tokensPerRequest":50,"outputPerInputToken":0.25,"costPerMillionTokens":"4000"}}],
             "series":[
              {"start":"2026-03-01T00:00:00Z","end":"2026-03-02T00:00:00Z","totalInputTokens":100,"totalOutputTokens":50,"totalTokens":150,"totalRequests":1,"failedRequests":0,"totalCost":"0.1"},
              {"start":"2026-03-02T00:00:00Z","end":"2026-03-03T00:00:00Z","totalInputTokens":0,"totalOutputTokens":0,"totalTokens":0,"totalRequests":0,"failedRequests":0,"totalCost":"0"},
              {"start":"2026-03-03T00:00:00Z","end":"2026-03-04T00:00:00Z","totalInputTokens":40,"totalOutputTokens":10,"totalTokens":50,"totalRequests":1,"failedRequests":1,"totalCost":"0.2"}],
             "costEstimate":{"totalCost":"0.3","unpriced":0,"models":[
              {"provider":null,"model":"m2","totalTokens":50,"totalCost":"0.2","percentage":66.67},{"provider":null,"model":"m1","totalTokens":150,"totalCost":"0.1","percentage":33.33}]},
             "projection":{"status":"projected","basedOnDays":3,"confidence":0.1,
              "tokens":{"perDay":66.67,"perWeek":466.67,"perThirtyDays":2000,"atEnd":200},"cost":{"perDay":"0.1","perWeek":"0.7","perThirtyDays":"3","atEnd":"0.3"},
              "requests":{"perDay":0.67,"perWeek":4.67,"perThirtyDays":20,"atEnd":2}}}
            """);
    }

    [Fact]
    public async Task Parts_tell_kinds_of_tokens_units_cache_hits_and_what_providers_charged()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"id":"a","timestamp":"2026-03-01T10:00:00Z","model":"m1","user":"ann","inputTokens":100,"cachedInputTokens":30,"cacheWrite1hTokens":5,"outputTokens":50,"reasoningTokens":20,"cost":"0.1","reportedCost":"0.12"},
             {"id":"b","timestamp":"2026-03-01T10:05:00Z","model":"m1","inputTokens":60,"cachedInputTokens":34,"outputTokens":5,"webSearches":2,"audioSecondsIn":1.5,"cost":"0.2","reportedCost":"0.15"},
             {"id":"c","timestamp":"2026-03-01T11:00:00Z","model":"m2","tags":{"team":"x"},"inputTokens":7,"outputTokens":1,"cost":"0.3"},
             {"id":"gone","timestamp":"2026-03-01T11:00:00Z","model":"m2","inputTokens":900,"cachedInputTokens":900,"outputTokens":1,"cost":"5","reportedCost":"9"}]
            """);
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/usage/gone/void", """{"by":"eve","reason":"never made"}""")).Code);
        var query = $"/v1/reports?account={account}&from=2026-03-01&to=2026-03-02&groupBy=model&groupBy=tags.team&parts=true";
        var report = (await host.Get(query)).Json;
        Same("""
            {"counts":{"audioSecondsIn":1.5,"cacheWrite1hTokens":5,"cachedInputTokens":64,"reasoningTokens":20,"webSearches":2},"cacheHitPercent":38.32,
             "reported":2,"reportedCost":"0.27","bookedCost":"0.3","costDifference":"-0.03"}
            """, report.GetProperty("summary").GetProperty("parts"));
        JsonElement Row(string type, string? key) => report.GetProperty("breakdown").EnumerateArray()
            .Single(row => row.GetProperty("type").GetString() == type && row.GetProperty("key").GetString() == key).GetProperty("parts");
        Same("""
            {"counts":{"audioSecondsIn":1.5,"cacheWrite1hTokens":5,"cachedInputTokens":64,"reasoningTokens":20,"webSearches":2},"cacheHitPercent":40,
             "reported":2,"reportedCost":"0.27","bookedCost":"0.3","costDifference":"-0.03"}
            """, Row("model", "m1"));
        foreach (var none in (JsonElement[])[Row("model", "m2"), Row("tags.team", "x")])
            Same("""{"counts":{},"cacheHitPercent":0,"reported":0,"reportedCost":"0","bookedCost":"0","costDifference":"0"}""", none);

        Assert.False((await host.Get($"/v1/reports?account={account}")).Json.GetProperty("summary").TryGetProperty("parts", out _));
        var lines = (await host.Get($"{query}&format=csv")).Text.Split("\r\n");
        Assert.EndsWith(",cachedInputTokens,cacheWriteTokens,reasoningTokens,audioTokens,imageTokens,videoTokens,webSearches,"
            + "cacheHitPercent,reportedCost,bookedCost,costDifference", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(",64,5,20,0,0,0,2,38.32,0.27,0.3,-0.03", lines[1], StringComparison.Ordinal);
        Assert.All(lines[..^1], line => Assert.Equal(lines[0].Count(c => c == ','), line.Count(c => c == ',')));
        (await host.Get($"/v1/reports?account={account}&parts=yes")).IsProblem(400, "invalid", "parts");
    }

    static void Same(string expected, JsonElement actual) =>
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, actual), actual.GetRawText());

    [Fact]
    public async Task A_report_adds_up_while_others_book()
    {
        var account = host.NewAccount();
        using var stop = new CancellationTokenSource();
        var call = """{"model":"m","user":"ann","tags":{"team":"t"},"inputTokens":100,"outputTokens":10}""";
        var writers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                Assert.Equal(
                    201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', Enumerable.Repeat(call, 5))}]")).Code);
        })).ToArray();
        try
        {
            for (var asked = 0; asked < 40; asked++)
            {
                var report = (await host.Get($"/v1/reports?account={account}&groupBy=model,user,tags.team,date&granularity=hour")).Json;
                int SumOf(string list, string? type) => report.GetProperty(list).EnumerateArray()
                    .Where(row => type is null || row.GetProperty("type").GetString() == type)
                    .Sum(row => row.GetProperty("totalTokens").GetInt32());
                var total = report.GetProperty("summary").GetProperty("totalTokens").GetInt32();
                Assert.Equal((total, total, total, total, total, 0), (SumOf("breakdown", "model"), SumOf("breakdown", "user"),
                    SumOf("breakdown", "tags.team"), SumOf("breakdown", "date"), SumOf("series", null), total % 110));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }
    }

    [Fact]
    public async Task Rows_are_ordered_by_cost_where_there_is_any_or_as_asked()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"model":"many","inputTokens":10,"requests":9,"cost":"0.1"},{"model":"large","inputTokens":900,"cost":"0.2"},{"model":"dear","inputTokens":5,"cost":"7"}]
            """);
        async Task<string> Order(string query) => string.Join(' ', (await host.Get($"/v1/reports?account={account}&top=2{query}")).Json
            .GetProperty("breakdown").EnumerateArray().Select(row => row.GetProperty("key").GetString()));

        Assert.Equal("dear large", await Order(""));
        Assert.Equal("dear large", await Order("&sort=cost"));
        Assert.Equal("large many", await Order("&sort=tokens"));
        Assert.Equal("many large", await Order("&sort=requests"));
    }

    [Fact]
    public async Task Filters_take_several_values_and_globs()
    {
        var (a, b) = (host.NewAccount(), host.NewAccount());
        await host.Post($"/v1/accounts/{a}/usage", """[{"model":"gpt-4o","user":"ann","inputTokens":1},{"model":"GPT-4","user":"bob","inputTokens":20}]""");
        await host.Post($"/v1/accounts/{b}/usage", """{"model":"claude","user":"cleo","inputTokens":300}""");
        async Task<int> Tokens(string query) => (await host.Get($"/v1/reports?{query}")).Json.GetProperty("summary")
            .GetProperty("totalTokens").GetInt32();

        Assert.Equal(21, await Tokens($"account={a}&model=gpt-4*"));
        Assert.Equal(301, await Tokens($"account={a}&account={b}&user=ann&user=cleo"));
        Assert.Equal(0, await Tokens($"account={a}&user=ANN"));
        Assert.Equal(21, await Tokens($"account={a}&tool=x&tool=y") + 21);
        // A record tells the name that it was booked under; it is found by that one and by the one of the catalogue.
        Assert.Equal(20, await Tokens($"account={a}&model=GPT-4"));
        Assert.Equal(1, (await host.Get($"/v1/accounts/{a}/usage?model=GPT-4")).Json.GetProperty("items").GetArrayLength());
        Assert.Single((await host.Get($"/v1/export?account={a}&model=GPT-4")).Text.Trim().Split('\n'));
        var listed = (await host.Get($"/v1/usage?account={a}&account={b}&model=c*&model=gpt-4")).Json.GetProperty("items");
        Assert.Equal("GPT-4 claude", string.Join(' ', listed.EnumerateArray().Select(one => one.GetProperty("model").GetString()).Order(
            StringComparer.Ordinal)));
        Assert.Equal(2, (await host.Get($"/v1/accounts/{a}/usage?user=a*&user=bob")).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(2, (await host.Get($"/v1/export?account={a}&account={b}&user=*n*&user=cleo")).Text.Trim().Split('\n').Length);
    }

    [Fact]
    public async Task A_session_belongs_to_its_account()
    {
        var (a, b) = (host.NewAccount(), host.NewAccount());
        var tenant = host.NewAccount();
        await host.Post($"/v1/accounts/{a}/usage", $$"""{"tenant":"{{tenant}}","session":"s","inputTokens":562}""");
        await host.Post($"/v1/accounts/{b}/usage", $$"""{"tenant":"{{tenant}}","session":"s","inputTokens":701}""");

        var report = (await host.Get($"/v1/reports?tenant={tenant}&groupBy=session")).Json;

        Assert.Equal(2, report.GetProperty("summary").GetProperty("uniqueSessions").GetInt32());
        Assert.Equal([(b, "s", 701), (a, "s", 562)], report.GetProperty("breakdown").EnumerateArray().Select(row => (
            row.GetProperty("account").GetString()!, row.GetProperty("key").GetString()!, row.GetProperty("totalTokens").GetInt32())));
        Assert.False((await host.Get($"/v1/reports?account={a}&groupBy=session")).Json.GetProperty("breakdown")[0]
            .TryGetProperty("account", out _));
    }

    [Fact]
    public async Task The_calendar_is_that_of_the_account_where_no_other_one_is_asked_for()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[],"timeZone":"America/New_York","weekStart":"sunday"}""");
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-03-02T03:00:00Z","inputTokens":7},{"timestamp":"2026-03-03T04:59:00Z","inputTokens":80}]""");
        async Task<string> Series(string query) => string.Join(' ', (await host.Get($"/v1/reports?account={account}&{query}")).Json
            .GetProperty("series").EnumerateArray().Where(step => step.GetProperty("totalTokens").GetInt32() > 0)
            .Select(step => $"{step.GetProperty("start").GetString()}={step.GetProperty("totalTokens")}"));

        Assert.Equal("2026-03-01T05:00:00Z=7 2026-03-02T05:00:00Z=80", await Series("from=2026-03-01&to=2026-03-02"));
        Assert.Equal("2026-03-01T05:00:00Z=87", await Series("from=2026-02-22&to=2026-03-07&granularity=week"));
        Assert.Equal("2026-02-23T05:00:00Z=7 2026-03-02T05:00:00Z=80",
            await Series("from=2026-02-22&to=2026-03-07&granularity=week&weekStart=monday"));
        Assert.Equal("2026-03-02T00:00:00Z=7 2026-03-03T00:00:00Z=80", await Series("from=2026-03-01&to=2026-03-03&timeZone=UTC"));
    }

    [Fact]
    public async Task Every_row_has_a_series_where_it_is_asked_for()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"timestamp":"2026-03-01T10:00:00Z","model":"m1","tools":["x","y"],"inputTokens":10},{"timestamp":"2026-03-03T10:00:00Z","model":"m2","tool":"x","inputTokens":2},
             {"timestamp":"2026-03-03T11:00:00Z","model":"m1","inputTokens":5}]
            """);
        var report =
            (await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-03&groupBy=model,tool,tags.none&seriesOfRows=true"))
            .Json;

        Assert.Equal(
            ["model m1: 10 0 5", "model m2: 0 0 2", "tool x: 10 0 2", "tool y: 10 0 0", "tool : 0 0 5", "tags.none : 10 0 7"],
            report.GetProperty("breakdown").EnumerateArray().Select(row => $"{row.GetProperty("type")} {row.GetProperty("key")}: "
                + string.Join(' ', row.GetProperty("series").EnumerateArray().Select(step => step.GetProperty("totalTokens").GetInt32()))));
    }

    [Fact]
    public async Task A_report_is_a_table_of_comma_separated_values_too()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"timestamp":"2026-03-01T10:00:00Z","model":"m1","user":"=cmd","inputTokens":100,"outputTokens":50,"cost":"0.1"},
             {"timestamp":"2026-03-02T10:00:00Z","model":"m2","user":"b,c","inputTokens":40,"cost":"0.2"}]
            """);
        var reply = await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-02&groupBy=user*model&format=csv");

        Assert.Equal("text/csv; charset=utf-8", reply.ContentType);
        Assert.Equal(
            [
                "type,key,secondKey,account,start,end,totalInputTokens,totalOutputTokens,totalTokens,totalRequests,failedRequests,totalCost,currency,percentage,costPercentage,successPercent,averageCostPerRequest,averageDurationMs,partialSince",
                "summary,,,,2026-03-01T00:00:00Z,2026-03-03T00:00:00Z,140,50,190,2,0,0.3,USD,,,100,0.15,0,",
                "user*model,\"b,c\",m2,,,,40,0,40,1,0,0.2,USD,21.05,66.67,100,0.2,0,",
                "user*model,'=cmd,m1,,,,100,50,150,1,0,0.1,USD,78.95,33.33,100,0.1,0,",
                "series,,,,2026-03-01T00:00:00Z,2026-03-02T00:00:00Z,100,50,150,1,0,0.1,USD,,,,,,",
                "series,,,,2026-03-02T00:00:00Z,2026-03-03T00:00:00Z,40,0,40,1,0,0.2,USD,,,,,,",
            ],
            reply.Text.TrimEnd().Split("\r\n"));
    }

    [Fact]
    public async Task A_date_without_a_time_includes_its_day()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-01-31T23:59:00Z","inputTokens":7},{"timestamp":"2026-02-01T00:00:00Z","inputTokens":1000}]""");
        async Task<int> Tokens(string query) => (await host.Get($"/v1/reports?account={account}&{query}")).Json.GetProperty("summary")
            .GetProperty("totalTokens").GetInt32();

        Assert.Equal(7, await Tokens("from=2026-01-01&to=2026-01-31"));
        Assert.Equal(7, await Tokens("from=2026-01-31&to=2026-01-31"));
        Assert.Equal(0, await Tokens("from=2026-01-31&to=2026-01-31T00:00:01Z"));
    }

    [Fact]
    public async Task A_period_that_is_not_over_is_projected_to_its_end_from_the_first_use_in_it()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-03-04T12:00:00Z","user":"ann","inputTokens":900,"cost":"2"},{"timestamp":"2026-03-13T10:00:00Z","inputTokens":100}]""");
        async Task<System.Text.Json.JsonElement> Projection(string query) =>
            (await host.Get($"/v1/reports?account={account}&{query}")).Json.GetProperty("projection");

        // 10.6 days of use, and 17.4 days until the end of March; a little more on a clock that goes on.
        var used = (HttpFacade.Time - new DateTimeOffset(2026, 3, 4, 0, 0, 0, TimeSpan.Zero)).TotalDays;
        double Least(double amount) => amount / (used + host.Drift.TotalDays);
        var month = await Projection("from=2026-03-01&to=2026-03-31");
        Assert.Equal("projected", month.GetProperty("status").GetString());
        Assert.InRange(month.GetProperty("basedOnDays").GetDouble(), 10.6, used + host.Drift.TotalDays + 0.05);
        Assert.InRange(month.GetProperty("tokens").GetProperty("atEnd").GetDouble(), (Least(1000) * 28) - 10, 2640);
        Assert.InRange(month.GetProperty("tokens").GetProperty("perDay").GetDouble(),
            Least(1000) - 0.01, (1000 / used) + 0.01);
        Assert.InRange(
            decimal.Parse(month.GetProperty("cost").GetProperty("atEnd").GetString()!, System.Globalization.CultureInfo.InvariantCulture),
                5.2m, 5.3m);
        // The filter of the report is that of its projection.
        Assert.InRange((await Projection("from=2026-03-01&to=2026-03-31&user=ann")).GetProperty("tokens").GetProperty("atEnd").GetDouble(),
            (Least(900) * 28) - 10, 2390);

        var hours = await Projection("from=2026-03-13T09:00:00Z&to=2026-03-13T12:00:00Z");
        Assert.Equal(("insufficient-data", System.Text.Json.JsonValueKind.Null),
            (hours.GetProperty("status").GetString(), hours.GetProperty("cost").ValueKind));
        Assert.Equal("insufficient-data", (await Projection("from=2025-01-01&to=2025-01-01T12:00:00Z")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Without_anything_said_it_covers_the_last_thirty_days_until_now()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """{"inputTokens":7}""");
        var reply = await host.Get($"/v1/reports?account={account}");
        reply.IsTime("2026-02-12T15:09:27Z", reply.Json.GetProperty("period").GetProperty("from"));
        reply.IsTime("2026-03-14T15:09:27Z", reply.Json.GetProperty("period").GetProperty("to"));
        Assert.Equal((31, 7), (reply.Json.GetProperty("series").GetArrayLength(), reply.Json.GetProperty("summary")
            .GetProperty("totalTokens").GetInt32()));
        Assert.Equal("model", reply.Json.GetProperty("breakdown")[0].GetProperty("type").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, reply.Json.GetProperty("breakdown")[0].GetProperty("key").ValueKind);
    }

    [Theory]
    [InlineData("2026-03-29", "2026-03-29", 23)]
    [InlineData("2026-10-25", "2026-10-25", 25)]
    [InlineData("2026-06-01", "2026-06-01", 24)]
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
        var reply = await host.Get($"/v1/reports?account={account}&from=2026-03-09&to=2026-03-10&timeZone=Asia/Kathmandu&groupBy=date");
        Assert.Equal("2026-03-10", reply.Json.GetProperty("breakdown")[0].GetProperty("key").GetString());
        Assert.Equal([0, 5], reply.Json.GetProperty("series").EnumerateArray().Select(step => step.GetProperty("totalTokens").GetInt32()));
        var weeks = await host.Get($"/v1/reports?account={account}&from=2026-03-04&to=2026-03-10&granularity=week");
        Assert.Equal(["2026-03-04T00:00:00Z", "2026-03-09T00:00:00Z"], weeks.Json.GetProperty("series").EnumerateArray()
            .Select(step => step.GetProperty("start").GetString()!));
    }

    [Fact]
    public async Task Several_currencies_are_not_added_up_unless_one_is_asked_for()
    {
        var tenant = Guid.NewGuid().ToString("N");
        await host.Put("/v1/exchange-rates", """{"base":"USD","rates":[{"currency":"CHF","rate":"0.8"}]}""");
        foreach (var currency in new[] { "EUR", "USD" }) await BookAsync(tenant, currency, "1");

        (await host.Get($"/v1/reports?tenant={tenant}")).IsProblem(422, "unprocessable", "currency");
        var missing = await host.Get($"/v1/reports?tenant={tenant}&currency=USD");
        missing.IsProblem(422, "unprocessable", "currency");
        Assert.Contains("no exchange rate from EUR to USD", missing.Member("detail"), StringComparison.Ordinal);
        (await host.Get($"/v1/reports?tenant={tenant}&currency=QQQ")).IsProblem(400, "invalid", "currency");
        var one = await host.Get($"/v1/reports?tenant={tenant}&user=EUR");
        Assert.Equal((200, "EUR"), (one.Code, one.Member("currency")));
        Assert.Equal(200, (await host.Get($"/v1/reports?tenant={tenant}&user=EUR&currency=EUR")).Code);
    }

    [Fact]
    public async Task A_report_without_usage_is_in_the_currency_of_its_account()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"currency":"SEK"}""");
        Assert.Equal("SEK", (await host.Get($"/v1/reports?account={account}")).Member("currency"));
        Assert.Equal("NOK", (await host.Get($"/v1/reports?account={account}&currency=NOK")).Member("currency"));
        Assert.Equal("USD", (await host.Get($"/v1/reports?account={host.NewAccount()}")).Member("currency"));
    }

    [Fact]
    public async Task Costs_are_converted_at_the_rate_of_their_own_time()
    {
        var tenant = Guid.NewGuid().ToString("N");
        await host.Put("/v1/exchange-rates", """
            {"base":"USD","rates":[{"currency":"CHF","rate":"0.8","effectiveFrom":"2026-03-01T00:00:00Z"},{"currency":"CHF","rate":"0.9","effectiveFrom":"2026-03-05T12:00:00Z"},
             {"currency":"JPY","rate":"150","effectiveFrom":"2026-02-01T00:00:00Z"}]}
            """);
        await BookAsync(tenant, "CHF", ("2026-03-02T10:00:00Z", "8"), ("2026-03-05T11:59:59Z", "9"), ("2026-03-05T12:00:00Z", "9"));
        await BookAsync(tenant, "USD", ("2026-02-25T10:00:00Z", "3.225"), ("2026-03-02T23:00:00Z", "1"));

        // 8 / 0.8, 9 / 0.8, 9 / 0.9 and 1.
        var report = (await Of("currency=USD&groupBy=user&groupBy=date&compare=previous")).Json;
        Assert.Equal(("USD", "32.25"), (report.GetProperty("currency").GetString(), CostOf(report.GetProperty("summary"))));
        Assert.Equal(["CHF=31.25", "USD=1", "2026-03-02=11", "2026-03-05=21.25"], report.GetProperty("breakdown").EnumerateArray()
            .Select(row => $"{row.GetProperty("key")}={CostOf(row)}"));
        Assert.Equal(["11", "21.25"], report.GetProperty("series").EnumerateArray().Select(CostOf).Where(cost => cost != "0"));
        Assert.Equal(("32.25", "900"), (CostOf(report.GetProperty("costEstimate")), report.GetProperty("previous").GetProperty("change")
            .GetProperty("totalCost").GetRawText()));
        Assert.Equal(["10", "1", "11.25", "10"], (await Of("currency=USD&granularity=hour")).Json.GetProperty("series").EnumerateArray()
            .Select(CostOf).Where(cost => cost != "0"));
        Assert.Equal("26.8", CostOf((await Of("currency=CHF")).Json.GetProperty("summary")));
        // Where the first step begins before the report does, no rate of before it counts.
        var within = (await host.Get($"/v1/reports?tenant={tenant}&from=2026-03-05T12:00:00Z&to=2026-03-05T15:00:00Z&currency=USD&groupBy=user")).Json;
        Assert.Equal(("10", "10"), (CostOf(within.GetProperty("summary")), CostOf(within.GetProperty("breakdown")[0])));
        Assert.Equal("4837.5", CostOf((await Of("currency=JPY&granularity=month&timeZone=Asia/Kolkata")).Json.GetProperty("summary")));
        // In the time of a call for which nobody gave a rate there is no answer; where nothing of it was used there is.
        (await host.Get($"/v1/reports?tenant={tenant}&from=2026-02-20&to=2026-03-09&currency=CHF"))
            .IsProblem(422, "unprocessable", "currency");
        Assert.Equal(
            "35.475", CostOf((await host.Get($"/v1/reports?tenant={tenant}&from=2026-02-20&to=2026-03-09&currency=USD")).Json.GetProperty(
                "summary")));

        Task<Reply> Of(string query) => host.Get($"/v1/reports?tenant={tenant}&from=2026-03-01&to=2026-03-09&{query}");
    }

    [Fact]
    public async Task What_was_converted_is_rounded_once_after_it_was_added_up()
    {
        var tenant = Guid.NewGuid().ToString("N");
        await host.Put("/v1/exchange-rates", """{"base":"USD","rates":[{"currency":"EUR","rate":"0.92"},{"currency":"JPY","rate":"150","effectiveFrom":"2026-03-03T09:00:00Z"}]}""");
        // Neither 0.31 / 0.92 nor 0.61 / 0.92 ends; together they are 1.
        await BookAsync(tenant, "EUR", ("2026-03-02T10:00:00Z", "0.31"), ("2026-03-04T10:00:00Z", "0.61"));
        foreach (var granularity in (string[])["hour", "day", "month"])
        {
            var report =
                (await host.Get($"/v1/reports?tenant={tenant}&from=2026-03-01&to=2026-03-09&currency=USD&granularity={granularity}")).Json;
            Assert.Equal(("1", "1"), (CostOf(report.GetProperty("summary")), CostOf(report.GetProperty("breakdown")[0])));
            Assert.Equal(granularity == "month" ? ["1"] : ["0.336956522", "0.663043479"], report.GetProperty("series").EnumerateArray()
                .Select(CostOf).Where(cost => cost != "0"));
        }
    }

    static string? CostOf(System.Text.Json.JsonElement measures) => measures.GetProperty("totalCost").GetString();

    Task BookAsync(string tenant, string currency, string cost) => BookAsync(tenant, currency, (null, cost));

    /// <summary>Usage of an account in this currency, under a user of its name.</summary>
    async Task BookAsync(string tenant, string currency, params (string? At, string Cost)[] calls)
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", $$"""{"currency":"{{currency}}"}""");
        foreach (var (at, cost) in calls)
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $$"""
                {"tenant":"{{tenant}}","user":"{{currency}}","inputTokens":10,"cost":"{{cost}}"{{(at is null ? "" : $",\"timestamp\":\"{at}\"")}}}
                """)).Code);
    }

    [Fact]
    public async Task Tags_outcomes_and_sessions_are_groups_and_filters()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"session":"s1","tags":{"team":"search","env":"live"},"inputTokens":10},{"session":"s1","tags":{"team":"search"},"inputTokens":5,"success":false},
             {"session":"s2","tags":{"team":"ads"},"inputTokens":1},{"inputTokens":2}]
            """);
        async Task<string[]> Rows(string query) =>
            [.. (await host.Get($"/v1/reports?account={account}&{query}")).Json.GetProperty("breakdown").EnumerateArray()
            .Select(row => $"{row.GetProperty("type")}:{row.GetProperty("key")}={row.GetProperty("totalTokens")}")];

        Assert.Equal(["tag:team=search=15", "tag:env=live=10", "tag:=2", "tag:team=ads=1"], await Rows("groupBy=tag"));
        Assert.Equal(["tags.team:search=15", "tags.team:=2", "tags.team:ads=1"], await Rows("groupBy=tags.team"));
        Assert.Equal(["outcome:success=13", "outcome:failure=5", "session*outcome:s1*success=10", "session*outcome:s1*failure=5",
            "session*outcome:*success=2", "session*outcome:s2*success=1"],
            await Rows("groupBy=outcome&groupBy=session*outcome"));
        Assert.Equal(["session:s1=15"], await Rows("groupBy=session&tags.team=search"));
        Assert.Equal(["user:=10"], await Rows("groupBy=user&tags.team=search&tags.env=live"));
        Assert.Equal(["tag:team=search=15"], await Rows("groupBy=tag&top=1"));
        (await host.Get($"/v1/accounts/{account}/usage?tags.team=ads"))
            .Is(200, (await host.Get($"/v1/accounts/{account}/usage?session=s2")).Text);
    }

    [Fact]
    public async Task Minutes_are_told_for_two_days_and_quarters_and_years_for_any_time()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-01-01T00:00:30Z","inputTokens":3},{"timestamp":"2026-01-01T00:02:00Z","inputTokens":4}]""");
        async Task<string> Series(string query) =>
            string.Join(' ', (await host.Get($"/v1/reports?account={account}&{query}")).Json.GetProperty("series").EnumerateArray()
            .Select(step => $"{step.GetProperty("start").GetString()}={step.GetProperty("totalTokens")}"));

        Assert.Equal("2026-01-01T00:00:00Z=3 2026-01-01T00:01:00Z=0 2026-01-01T00:02:00Z=4",
            await Series("granularity=minute&from=2026-01-01T00:00:00Z&to=2026-01-01T00:03:00Z"));
        Assert.Equal("2025-09-30T22:00:00Z=0 2025-12-31T23:00:00Z=7",
            await Series("granularity=quarter&timeZone=Europe/Berlin&from=2025-10-01&to=2026-03-31"));
        Assert.Equal("2025-01-01T00:00:00Z=0 2026-01-01T00:00:00Z=7", await Series("granularity=year&from=2025-01-01&to=2026-12-31"));
        (await host.Get($"/v1/reports?account={account}&granularity=minute&from=2026-01-01&to=2026-01-03"))
            .IsProblem(400, "invalid", "granularity");
    }

    [Fact]
    public async Task A_report_is_compared_with_the_period_before()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"timestamp":"2026-03-01T10:00:00Z","inputTokens":30,"cost":"1"},{"timestamp":"2026-02-28T10:00:00Z","inputTokens":20,"outputTokens":0}]""");
        var previous = (await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-01&compare=previous")).Json.GetProperty(
            "previous");
        Assert.Equal(("2026-02-28T00:00:00Z", 20, 50m), (previous.GetProperty("from").GetString(), previous.GetProperty("summary")
            .GetProperty("totalTokens").GetInt32(), previous.GetProperty("change").GetProperty("totalTokens").GetDecimal()));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, previous.GetProperty("change").GetProperty("totalCost").ValueKind);
    }

    [Theory]
    [InlineData("top=0", "top")]
    [InlineData("compare=next", "compare")]
    [InlineData("tags.=x", "tags.")]
    [InlineData("groupBy=tags.", "groupBy")]
    [InlineData("groupBy=colour", "groupBy")]
    [InlineData("groupBy=user*user", "groupBy")]
    [InlineData("groupBy=user*model*tool", "groupBy")]
    [InlineData("granularity=fortnight", "granularity")]
    [InlineData("granularity=hour&from=2000-01-01&to=2026-01-01", "granularity")]
    [InlineData("timeZone=Nowhere", "timeZone")]
    [InlineData("account=a%20b", "account")]
    [InlineData("includeAnomalies=true", "account")]
    [InlineData("includeAnomalies=1&account=a", "includeAnomalies")]
    [InlineData("includeProjection=true", "includeProjection")]
    [InlineData("from=2026-01-02&to=2026-01-01", "to")]
    [InlineData("user=", "user")]
    [InlineData("account=", "account")]
    [InlineData("tags.team=", "tags.team")]
    [InlineData("groupBy=model,", "groupBy")]
    [InlineData("sort=price", "sort")]
    [InlineData("weekStart=1", "weekStart")]
    [InlineData("format=xml", "format")]
    public async Task Wrong_parameters_are_named(string query, string field) => (await host.Get($"/v1/reports?{query}"))
        .IsProblem(400, "invalid", field);
}
