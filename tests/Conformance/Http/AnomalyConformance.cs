// Anomalies and projections over HTTP, of an account that behaved for three weeks.
using System.Globalization;
using System.Text.Json;

namespace Purser.Conformance.Http;

public abstract class AnomalyConformance(HttpFacade host)
{
    /// <summary>What the host takes for now.</summary>
    static readonly DateTimeOffset now = HttpFacade.Time;

    /// <summary>Two calls an hour by day and one by night until now, as they would have been reported then.</summary>
    async Task<string> AccountWithAPast()
    {
        var account = host.NewAccount();
        var items = new List<string>();
        var start = new DateTimeOffset(2026, 2, 16, 0, 0, 0, TimeSpan.Zero);
        for (var hour = start; hour < now.AddMinutes(-30); hour = hour.AddHours(1))
            for (var call = 0; call < (hour.Hour is >= 8 and < 20 ? 2 : 1); call++)
                items.Add(Usage(hour.AddMinutes(20 * call), 1_000 + (hour.Day * 7 + hour.Hour * 13 + call) % 100, "0.01"));
        foreach (var batch in items.Chunk(1000))
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', batch)}]")).Code);
        return account;
    }

    static string Usage(DateTimeOffset at, long tokens, string cost, string model = "gpt-5") => string.Create(CultureInfo.InvariantCulture,
        $$"""{"timestamp":"{{at:yyyy-MM-dd'T'HH:mm:ss'Z'}}","model":"{{model}}","inputTokens":{{tokens}},"outputTokens":0,"cost":"{{cost}}"}""");

    async Task Runaway(string account)
    {
        for (var call = 0; call < 3; call++)
            Assert.Equal(
                201, (await host.Post($"/v1/accounts/{account}/usage",
                    Usage(now.AddMinutes(-5 + call), 200_000, "4.50", "gpt-5-pro"))).Code);
    }

    [Fact]
    public async Task A_runaway_is_there_with_the_next_reading_and_explains_itself()
    {
        var account = await AccountWithAPast();
        var before = (await host.Get($"/v1/accounts/{account}/anomalies")).Json.GetProperty("items").GetArrayLength();
        await Runaway(account);

        var reply = await host.Get($"/v1/accounts/{account}/anomalies");
        Assert.Equal(200, reply.Code);
        var found = reply.Json.GetProperty("items").EnumerateArray().Take(reply.Json.GetProperty("items").GetArrayLength() - before)
            .ToList();
        Assert.Equal(["costSpike", "newModel", "spike"], found.Select(one => one.GetProperty("kind").GetString()).Order());
        var spike = found.Single(one => one.GetProperty("kind").GetString() == "spike");
        Assert.Equal(("critical", "seasonal", "2026-03-14T15:00:00Z", "tokens"),
            (Text(spike, "severity"), Text(spike, "detector"), Text(spike, "at"), Text(spike, "unit")));
        Assert.InRange(spike.GetProperty("expected").GetDouble(), 500, 4_000);
        Assert.InRange(spike.GetProperty("actual").GetDouble(), 200_000, 610_000);
        Assert.Contains("tokens were used already; about", Text(spike, "explanation"), StringComparison.Ordinal);
        var cost = found.Single(one => one.GetProperty("kind").GetString() == "costSpike");
        Assert.Equal(("USD", JsonValueKind.String), (Text(cost, "currency"), cost.GetProperty("actual").ValueKind));
        Assert.Equal("gpt-5-pro", Text(found.Single(one => one.GetProperty("kind").GetString() == "newModel"), "subject"));
        // Reading is not telling again.
        Assert.Equal(reply.Text, (await host.Get($"/v1/accounts/{account}/anomalies")).Text);
    }

    [Fact]
    public async Task A_new_account_is_held_against_what_others_of_its_tenant_used_in_their_first_days()
    {
        var tenant = host.NewAccount();
        await host.Put($"/v1/tenants/{tenant}", $$"""{"accounts":["{{tenant}}:*"]}""");
        var path = $"/v1/anomalies/first-days?tenant={tenant}";
        (await host.Post(path, "")).Is(200, """{"items":[]}""");
        for (var one = 0; one < 22; one++)
            Assert.Equal(201, (await host.Post($"/v1/accounts/{tenant}:{one}/usage", $"[{Usage(now.AddDays(-9), 20_000, "1.50")},"
                + $"{Usage(now.AddDays(-9).AddHours(5), 30_000, "0.50")}]")).Code);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{tenant}:too-young/usage", Usage(now.AddDays(-2), 9_000_000, "900"))).Code);

        var learned = await host.Post(path, "");
        Assert.Equal(200, learned.Code);
        var usual = learned.Json.GetProperty("items")[0];
        Assert.Equal((tenant, 22, "USD"), (Text(usual, "tenant"), usual.GetProperty("accounts").GetInt32(), Text(usual, "currency")));
        Assert.Equal(["1 20000 1.5 1", "3 20000 1.5 1", "6 50000 2 2", "12 50000 2 2", "24 50000 2 2", "48 50000 2 2", "72 50000 2 2"],
            usual.GetProperty("ages").EnumerateArray().Select(age => $"{age.GetProperty("hours")} {age.GetProperty("tokens")} "
                + $"{Text(age, "cost")} {age.GetProperty("calls")}"));
        // Learned again, it is the same, and no other version.
        Assert.Equal(learned.Text, (await host.Post(path, "")).Text);
        Assert.Equal(learned.Text, (await host.Get(path)).Text);

        var account = $"{tenant}:new";
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", Usage(now.AddMinutes(-5), 700_000, "0.10"))).Code);
        var found = Assert.Single((await host.Get($"/v1/accounts/{account}/anomalies")).Json.GetProperty("items").EnumerateArray());
        Assert.Equal(("spike", "firstDays", "critical", 20_000, 700_000), (Text(found, "kind"), Text(found, "detector"),
            Text(found, "severity"), found.GetProperty("expected").GetInt64(), found.GetProperty("actual").GetInt64()));
        Assert.Contains("as learned over 22 of them", Text(found, "explanation"), StringComparison.Ordinal);
        (await host.Get("/v1/anomalies/first-days?tenant=nobody")).IsProblem(400, "invalid", "tenant");
    }

    [Fact]
    public async Task Anomalies_are_filtered_and_come_in_pages()
    {
        var account = await AccountWithAPast();
        await Runaway(account);
        var path = $"/v1/accounts/{account}/anomalies";
        var all = Ids(await host.Get(path));
        Assert.Single(Ids(await host.Get(path + "?kind=newModel&from=2026-03-14")));
        Assert.Equal(2, Ids(await host.Get(path + "?kind=spike,costSpike&severity=critical&from=2026-03-14T15:00:00Z")).Count);
        Assert.Empty(Ids(await host.Get(path + "?from=2026-03-15")));
        Assert.Equal(all.Count - 3, Ids(await host.Get(path + "?to=2026-03-14T15:00:00Z")).Count);

        var paged = new List<string>();
        string? cursor = null;
        do
        {
            var page = await host.Get($"{path}?limit=1{(cursor is null ? "" : "&cursor=" + cursor)}");
            paged.Add(Assert.Single(Ids(page)));
            cursor = page.Member("nextCursor");
        }
        while (!string.IsNullOrEmpty(cursor));
        Assert.Equal(all, paged);
    }

    [Fact]
    public async Task A_report_tells_the_anomalies_of_its_period_when_asked_to()
    {
        var account = await AccountWithAPast();
        await Runaway(account);
        async Task<JsonElement> Report(string query) => (await host.Get($"/v1/reports?account={account}&{query}")).Json;

        var listed = (await host.Get($"/v1/accounts/{account}/anomalies?from=2026-03-14")).Json.GetProperty("items");
        Assert.NotEqual(0, listed.GetArrayLength());
        Assert.Equal(listed.GetRawText(), (await Report("from=2026-03-14&to=2026-03-15&includeAnomalies=true")).GetProperty("anomalies")
            .GetRawText());
        Assert.Equal(0, (await Report("from=2026-03-13T20:00:00Z&to=2026-03-13T21:00:00Z&includeAnomalies=true")).GetProperty("anomalies")
            .GetArrayLength());
        Assert.False((await Report("from=2026-03-14&to=2026-03-15&includeAnomalies=false")).TryGetProperty("anomalies", out _));
        Assert.False((await Report("from=2026-03-14&to=2026-03-15")).TryGetProperty("anomalies", out _));
        Assert.Equal(0, (await host.Get($"/v1/reports?account={host.NewAccount()}&includeAnomalies=true")).Json.GetProperty("anomalies")
            .GetArrayLength());
    }

    /// <summary>What is given in the order of time, in another one.</summary>
    static string[] InOrder(IEnumerable<string> items, string order)
    {
        var ordered = items.ToArray();
        if (order == "newest first") Array.Reverse(ordered);
        if (order == "mixed") new Random(3).Shuffle(ordered);
        return ordered;
    }

    async Task Import(string account, IEnumerable<string> items, int atOnce)
    {
        foreach (var batch in items.Chunk(atOnce))
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', batch)}]")).Code);
    }

    /// <summary>Weeks of random use with an outage, a runaway and failures, imported by three accounts in three permutations: not a figure
    /// of a find differs, and only the moments in which they were told do.</summary>
    [Theory]
    [InlineData(1, 12)]
    [InlineData(2, 30)]
    [InlineData(3, 80)]
    public async Task Every_permutation_of_an_import_gives_the_same_finds(int seed, int days)
    {
        var random = new Random(seed);
        var (scale, hours) = ((long)Math.Pow(10, random.Next(4)), days * 24);
        var (outage, runaway, failures) = (random.Next(hours / 2), hours - random.Next(24, 200), hours - random.Next(24, 200));
        var items = Enumerable.Range(0, hours).Where(hour => hour < outage || hour > outage + 9).SelectMany(hour =>
            Enumerable.Range(0, random.Next(1, 3)).Select(_ => Usage(
                now.AddHours(hour - hours).AddMinutes(random.Next(60)),
                scale * (500 + random.Next(100)) * (hour >= runaway && hour < runaway + 5 ? 40 : 1), "0.01",
                    $"m-{random.Next(2 + hour / 200)}")
                    .Replace("{", hour >= failures && hour < failures + 20 ? """{"success":false,""" : "{", StringComparison.Ordinal)))
            .ToArray();
        List<string>? first = null;
        foreach (var (order, atOnce) in new[] { ("in order", 1000), ("newest first", 250), ("mixed", 90) })
        {
            var account = await AccountWithAPolicy("""
                {"anomalies":{"detectors":["seasonal","zscore","ratio","perCall","errorRate","newModel","velocity","burst"]},
                 "limits":[{"id":"daily","unit":"cost","window":"day","amount":"2"}]}
                """);
            await Import(account, InOrder(items, order), atOnce);
            var reply = await host.Get($"/v1/accounts/{account}/anomalies?limit=1000");
            Assert.True(reply.Code == 200, reply.Text);
            var found = reply.Json.GetProperty("items").EnumerateArray().Select(one => string.Join(", ", one.EnumerateObject()
                .Where(member => member.Name != "foundAt").Select(member => member.ToString()))).Order(StringComparer.Ordinal).ToList();
            first ??= found;
            Assert.Equal(first, found);
        }
        Assert.Contains(first!, one => one.Contains("\"critical\"", StringComparison.Ordinal));
    }

    /// <summary>The same past in the order of time, the other way round and mixed: what runs away afterwards is told, and nothing
    /// else.</summary>
    [Theory]
    [InlineData("in order", 1)]
    [InlineData("newest first", 1)]
    [InlineData("newest first", 1_000_000)]
    [InlineData("mixed", 1_000)]
    public async Task The_order_of_an_import_changes_nothing_of_what_is_found(string order, long scale)
    {
        var account = host.NewAccount();
        var past = Enumerable.Range(1, 335).Reverse().Select(hour => Usage(now.AddHours(-hour), 1_500 * scale, "0.01"));
        await Import(account, InOrder(past, order), 50);
        var path = $"/v1/accounts/{account}/anomalies";
        Assert.Empty(Ids(await host.Get(path)));
        await host.Post($"/v1/accounts/{account}/usage", Usage(now.AddSeconds(-1), 15_000 * scale, "0.10"));
        var found = (await host.Get(path)).Json.GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["costSpike critical", "spike critical"],
            found.Select(one => $"{Text(one, "kind")} {Text(one, "severity")}").Order());
    }

    /// <summary>An outage of some hours, or a young account, hides no runaway, at any scale, whatever order its past came in.</summary>
    [Theory]
    [InlineData(335, 1, 1_000, 1, "in order")]
    [InlineData(335, 1, 1_000, 100_000, "mixed")]
    [InlineData(335, 3, 10, 1_000, "newest first")]
    [InlineData(335, 12, 100, 1_000_000, "mixed")]
    [InlineData(200, 48, 10, 1, "newest first")]
    [InlineData(24, 0, 1_000_000, 1, "mixed")]
    [InlineData(24, 0, 1_000, 10_000, "newest first")]
    [InlineData(12, 0, 1_000, 1_000, "in order")]
    [InlineData(7, 0, 1_000_000, 1, "newest first")]
    [InlineData(6, 0, 1_000, 100, "mixed")]
    [InlineData(3, 0, 1_000, 10, "in order")]
    public async Task A_rise_is_told_after_any_gap_and_of_young_accounts(int hours, int idle, long times, long scale, string order)
    {
        var account = host.NewAccount();
        var past = Enumerable.Range(1, hours).Reverse().Select(hour => Usage(now.AddHours(-hour - idle), 1_500 * scale, "0.01"));
        await Import(account, InOrder(past, order), 100);
        // A few tokens are never far above: the ladder begins three above the usual.
        var runaway = 1_530 * scale * times;
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", Usage(now.AddSeconds(-1), runaway, "0.01"))).Code);
        var found = (await host.Get($"/v1/accounts/{account}/anomalies?kind=spike&severity=critical")).Json.GetProperty("items");
        Assert.Equal(runaway, found.EnumerateArray().Single().GetProperty("actual").GetInt64());
    }

    [Theory]
    [InlineData(1, "in order")]
    [InlineData(1, "newest first")]
    [InlineData(1, "mixed")]
    [InlineData(3, "mixed")]
    public async Task The_figures_of_failures_follow(int scale, string order)
    {
        var account = host.NewAccount();
        string[] Calls(int count, bool success) => [.. Enumerable.Range(0, count * scale).Select(call =>
            Usage(now.AddMinutes(success ? -70 : -10), 10, "0.01")
                .Replace("{", $$"""{"success":{{(success ? "true" : "false")}},""", StringComparison.Ordinal))];

        await Import(account, InOrder([.. Calls(200, true), .. Calls(1200, false)], order), 500);
        var found = Assert.Single((await host.Get($"/v1/accounts/{account}/anomalies?kind=errorRate")).Json.GetProperty("items")
            .EnumerateArray());
        Assert.Equal(("critical", 85.71m, 1614.29m), (Text(found, "severity"), found.GetProperty("actual").GetDecimal(),
            found.GetProperty("deviation").GetDecimal()));
        Assert.Equal(JsonValueKind.Null, found.GetProperty("endedAt").ValueKind);
    }

    [Fact]
    public async Task What_a_late_record_disproves_is_kept_and_marked()
    {
        var account = host.NewAccount();
        var past = Enumerable.Range(1, 335).Where(hour => hour != 20).Select(hour => Usage(now.AddHours(-hour), 1_500, "0.01")).Reverse();
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', past)}]")).Code);
        var path = $"/v1/accounts/{account}/anomalies";
        var drop = Assert.Single(Ids(await host.Get(path)));
        await host.Post($"/v1/accounts/{account}/usage", Usage(now.AddHours(-20), 1_500, "0.01"));
        Assert.Empty(Ids(await host.Get(path)));
        var kept = (await host.Get(path + "?withdrawn=true")).Json.GetProperty("items").EnumerateArray().Single();
        Assert.Equal((drop, JsonValueKind.String), (Text(kept, "id"), kept.GetProperty("withdrawnAt").ValueKind));
    }

    [Theory]
    [InlineData("anomalies?withdrawn=perhaps", "withdrawn")]
    [InlineData("anomalies?kind=odd", "kind")]
    [InlineData("anomalies?severity=spike", "severity")]
    [InlineData("anomalies?from=2026-03-02&to=2026-03-01", "to")]
    [InlineData("anomalies?cursor=abc", "cursor")]
    [InlineData("anomalies?limit=0", "limit")]
    [InlineData("anomalies?detector=zscore", "detector")]
    [InlineData("projection?limit=0", "limit")]
    [InlineData("projection?zone=UTC", "zone")]
    public async Task A_wrong_parameter_is_named(string path, string field) =>
        (await host.Get($"/v1/accounts/{await AccountWithAPolicy("{}")}/{path}")).IsProblem(400, "invalid", field);

    [Theory]
    [InlineData("anomalies")]
    [InlineData("projection")]
    public async Task An_unknown_account_has_none(string path) =>
        (await host.Get($"/v1/accounts/{host.NewAccount()}/{path}")).IsProblem(404, "unknown-account", "account");

    async Task<string> AccountWithAPolicy(string policy)
    {
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", policy)).Code);
        return account;
    }

    [Fact]
    public async Task A_policy_says_which_detectors_tell_and_from_where_on()
    {
        var account = await AccountWithAPast();
        var policy = """{"anomalies":{"detectors":["ratio","zscore"],"thresholds":{"ratioTokens":9}}}""";
        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", policy)).Code);
        Assert.Equal("""{"detectors":["ratio","zscore"],"thresholds":{"ratioTokens":9}}""", (await host.Get($"/v1/accounts/{account}/policy")).Json.GetProperty("anomalies").GetRawText());
        var effective = (await host.Get($"/v1/accounts/{account}/policy?effective=true")).Json.GetProperty("anomalies");
        Assert.Equal((9m, 2.5m), (effective.GetProperty("thresholds").GetProperty("ratioTokens").GetDecimal(),
            effective.GetProperty("thresholds").GetProperty("zscore").GetDecimal()));
        await Runaway(account);
        var found = (await host.Get($"/v1/accounts/{account}/anomalies?from=2026-03-14")).Json.GetProperty("items").EnumerateArray()
            .ToList();
        Assert.Equal(["ratio", "ratio", "zscore"], found.Select(one => Text(one, "detector")).Order());

        Assert.Equal(200, (await host.Put($"/v1/accounts/{account}/policy", """{"anomalies":{"enabled":false}}""")).Code);
        await host.Post($"/v1/accounts/{account}/usage", Usage(now, 9_000_000, "99", "another"));
        Assert.Equal(found.Count, (await host.Get($"/v1/accounts/{account}/anomalies?from=2026-03-14")).Json.GetProperty("items")
            .GetArrayLength());
    }

    [Fact]
    public async Task Usage_is_projected_to_the_end_of_each_window_of_the_zone()
    {
        var account = await AccountWithAPast();
        await host.Put($"/v1/accounts/{account}/policy", """
            {"timeZone":"Asia/Kolkata","limits":[
              {"id":"roomy","unit":"tokens","window":"month","amount":100000000},
              {"id":"tight","unit":"cost","window":"month","amount":"7.20"},
              {"id":"gone","unit":"requests","window":"week","amount":5},
              {"id":"some","unit":"tokens","window":"month","amount":700000,"match":{"model":"gpt-*"}}]}
            """);
        var projection = (await host.Get($"/v1/accounts/{account}/projection")).Json;
        Assert.Equal("Asia/Kolkata", Text(projection, "timeZone"));
        var windows = projection.GetProperty("windows").EnumerateArray().ToDictionary(window => Text(window, "window"));
        Assert.Equal(["day", "month", "week", "year"], windows.Keys.Order());
        Assert.Equal("2026-03-13T18:30:00Z", Text(windows["day"], "start"));
        Assert.Equal("2026-03-31T18:30:00Z", Text(windows["month"], "end"));
        Assert.All(windows.Values, window => Assert.Equal("projected", Text(window, "status")));

        Assert.All(windows.Values, window => Assert.All((string[])["tokens", "cost", "requests"],
            measure => Assert.False(window.GetProperty(measure).GetProperty("bursty").GetBoolean())));

        // Every day is 36 calls; March has 31 days.
        var calls = windows["month"].GetProperty("requests");
        Assert.InRange(calls.GetProperty("projected").GetDouble(), 31 * 36 * 0.98, 31 * 36 * 1.02);
        Assert.InRange(calls.GetProperty("projected").GetDouble(), calls.GetProperty("low").GetDouble(), calls.GetProperty("high")
            .GetDouble());
        Assert.InRange(decimal.Parse(Text(windows["month"].GetProperty("cost"), "projected"), CultureInfo.InvariantCulture), 10.9m, 11.4m);
        Assert.InRange(projection.GetProperty("rate").GetProperty("requests").GetProperty("perDay").GetDouble(), 35, 37);
        Assert.InRange(projection.GetProperty("rate").GetProperty("confidence").GetDouble(), 0.87, 0.9);
        Assert.Equal("stable", Text(projection.GetProperty("trend").GetProperty("tokens"), "direction"));

        var limits = projection.GetProperty("limits").EnumerateArray().ToDictionary(limit => Text(limit, "limitId"));
        Assert.Equal(("lasts", "exceeded"), (Text(limits["roomy"], "outlook"), Text(limits["gone"], "outlook")));
        Assert.Equal("exhausts", Text(limits["tight"], "outlook"));
        // 0.36 a day from the first of March, in that zone: the twentieth day uses it up.
        Assert.StartsWith("2026-03-2", Text(limits["tight"], "exhaustedAt"), StringComparison.Ordinal);
        Assert.Equal("exhausts", Text(limits["some"], "outlook"));
    }

    /// <summary>Money that comes in some weeks and not in others, for calls that are as many every week.</summary>
    [Fact]
    public async Task A_measure_whose_weeks_are_unlike_says_so_and_has_a_wide_interval()
    {
        var account = host.NewAccount();
        await Import(account, Enumerable.Range(1, 42 * 8).Reverse().Select(part =>
            Usage(now.AddHours(-3 * part), 1_000, part / 56 % 2 == 0 ? "0.02" : "0.20")), 1000);
        var month = (await host.Get($"/v1/accounts/{account}/projection")).Json.GetProperty("windows").EnumerateArray()
            .Single(window => Text(window, "window") == "month");
        Assert.False(month.GetProperty("requests").GetProperty("bursty").GetBoolean());
        var cost = month.GetProperty("cost");
        Assert.True(cost.GetProperty("bursty").GetBoolean());
        decimal Of(string name) => decimal.Parse(Text(cost, name), CultureInfo.InvariantCulture);
        var left = Of("projected") - Of("elapsed");
        Assert.True(Of("high") - Of("low") > left, $"{cost}");
    }

    [Fact]
    public async Task An_hour_of_use_is_not_projected_to_a_month()
    {
        var account = host.NewAccount();
        for (var call = 0; call < 3; call++)
            await host.Post($"/v1/accounts/{account}/usage", Usage(now.AddMinutes(-60 + call), 1_000, "1.00"));
        var projection = (await host.Get($"/v1/accounts/{account}/projection")).Json;
        Assert.All(projection.GetProperty("windows").EnumerateArray(), window =>
        {
            Assert.Equal("insufficient-data", Text(window, "status"));
            Assert.Equal(("3", JsonValueKind.Null), (Text(window.GetProperty("cost"), "elapsed"), window.GetProperty("cost")
                .GetProperty("projected").ValueKind));
        });
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null),
            (projection.GetProperty("rate").ValueKind, projection.GetProperty("trend").ValueKind));
    }

    static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    static List<string> Ids(Reply reply)
    {
        Assert.True(reply.Code == 200, reply.Text);
        return [.. reply.Json.GetProperty("items").EnumerateArray().Select(one => Text(one, "id"))];
    }
}
