// Usage over HTTP: one, many, listed.
namespace Purser.Conformance.Http;

public abstract class UsageConformance(HttpFacade host)
{
    [Fact]
    public async Task An_export_is_all_records_and_can_be_imported_elsewhere_and_again()
    {
        var (account, other) = (host.NewAccount(), host.NewAccount());
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"id":"u1","timestamp":"2026-03-01T10:00:00Z","user":"=1+1","model":"__proto__","tags":{"__proto__":"x"},"inputTokens":3,"outputTokens":4,"cost":"0.5","error":"bad, \"very\" bad\nline2","metadata":{"__proto__":{"a":"=cmd|' /C calc'!A0"}}},
             {"id":"u2","timestamp":"2026-03-02T10:00:00Z","inputTokens":1,"success":false,"durationMs":7}]
            """);

        var csv = await host.Client.GetStringAsync($"/v1/export?format=csv&account={account}");
        Assert.StartsWith("id,account,timestamp,user,session,", csv, StringComparison.Ordinal);
        Assert.Contains($"u1,{account},2026-03-01T10:00:00Z,'=1+1,,,,,__proto__,,3,4,7,1,,true,\"bad, \"\"very\"\" bad\nline2\",0.5,USD,",
            csv, StringComparison.Ordinal);
        var json = System.Text.Json.JsonDocument.Parse(
            await host.Client.GetStringAsync($"/v1/export?format=json&account={account}")).RootElement;
        Assert.Equal(["u2", "u1"], json.EnumerateArray().Select(one => one.GetProperty("id").GetString()));
        var lines = await host.Client.GetStringAsync($"/v1/export?account={account}");
        Assert.Equal(2, lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("", await host.Client.GetStringAsync($"/v1/export?account={account}&user=nobody"));
        Assert.Equal("[]", await host.Client.GetStringAsync($"/v1/export?account={account}&user=nobody&format=json"));

        // Into the same account nothing counts twice; into another one it is the same usage.
        (await host.Post("/v1/import", lines)).Is(200, """{"lines":2,"accepted":2,"failed":0,"errors":[]}""");
        Assert.Equal(lines, await host.Client.GetStringAsync($"/v1/export?account={account}"));
        var moved = lines.Replace($"\"account\":\"{account}\"", $"\"account\":\"{other}\"", StringComparison.Ordinal);
        (await host.Post("/v1/import", moved)).Is(200, """{"lines":2,"accepted":2,"failed":0,"errors":[]}""");
        Assert.Equal("0.5", (await host.Get($"/v1/reports?account={other}&from=2026-03-01&to=2026-03-02")).Json.GetProperty("summary")
            .GetProperty("totalCost").GetString());
        (await host.Get("/v1/export?format=xml")).IsProblem(400, "invalid", "format");
    }

    /// <summary>What FOCUS 1.2 demands of every table.</summary>
    static readonly string[] demanded =
    [
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
        "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost",
        "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
        "ServiceName",
    ];

    [Fact]
    public async Task An_export_in_the_shape_of_FOCUS_has_its_columns_and_adds_up_to_the_report()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"id":"u1","timestamp":"2026-02-28T23:59:59.9Z","provider":"openai","model":"gpt-4o","user":"=1+1","tags":{"team":"search"},"inputTokens":1000,"outputTokens":10},
             {"id":"u2","timestamp":"2026-03-02T10:30:00Z","inputTokens":1,"outputTokens":2,"cost":"0.5"}]
            """);
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/credits",
            """{"amount":"0.1","unit":"cost","usageId":"u2","reason":"Outage","by":"grace"}""")).Code);
        Assert.Equal(200, (await host.Post("/v1/usage/u1/correct",
            $$"""{"account":"{{account}}","inputTokens":900,"outputTokens":10,"reason":"Asked them","by":"grace"}""")).Code);

        var rows = (await host.Client.GetStringAsync($"/v1/export?format=focus&account={account}"))
            .Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var names = Fields(rows[0]).ToArray();
        Assert.Subset(names.ToHashSet(), demanded.ToHashSet());
        var charges = rows[1..].Select(row => names.Zip(Fields(row)).ToDictionary(one => one.First, one => one.Second)).ToArray();
        Assert.Equal(4, charges.Length);
        // What may not be empty is not: everything but what FOCUS lets be null.
        foreach (var charge in charges)
            Assert.All(demanded.Except(["ChargeClass", "PricingQuantity", "PricingUnit"]), name => Assert.NotEqual("", charge[name]));
        var report = (await host.Get($"/v1/reports?account={account}&from=2026-02-01&to=2026-03-31")).Json;
        Assert.Equal(Amount(report.GetProperty("summary").GetProperty("totalCost").GetString()!),
            charges.Sum(one => Amount(one["BilledCost"])));

        var first = charges.Single(one => one["x_RecordId"] == "u1");
        Assert.Equal(("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z"),
            (first["BillingPeriodStart"], first["BillingPeriodEnd"], first["ChargePeriodStart"], first["ChargePeriodEnd"]));
        Assert.Equal(("openai", "gpt-4o", "1010", "Tokens", "Usage", ""),
            (first["ProviderName"], first["SkuId"], first["ConsumedQuantity"], first["ConsumedUnit"], first["ChargeCategory"],
                first["ChargeClass"]));
        Assert.Equal(("""{"team":"search"}""", "'=1+1"), (first["Tags"], first["x_User"]));
        var credit = charges.Single(one => one["x_Kind"] == "credit");
        Assert.Equal(("Credit", "-0.1", "Outage", ""),
            (credit["ChargeCategory"], credit["BilledCost"], credit["ChargeDescription"], credit["ConsumedQuantity"]));
        // Booked long after the month of its call.
        var correction = charges.Single(one => one["x_Kind"] == "correction");
        Assert.Equal(("Correction", "u1", "-100"), (correction["ChargeClass"], correction["x_Corrects"], correction["x_InputTokens"]));
    }

    static decimal Amount(string text) => decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task Hostile_records_come_out_as_they_went_in_and_are_no_formulas()
    {
        var (account, other) = (host.NewAccount(), host.NewAccount());
        var large = string.Concat(Enumerable.Repeat("=SUM(A1:A9),\\\"\\n", 10_000));
        await host.Post($"/v1/accounts/{account}/usage", $$$"""
            [{"id":"=1","timestamp":"2026-03-01T10:00:00Z","orchestrator":"@SUM(1)","user":"=HYPERLINK(\"http://evil\")","tenant":"+1","session":"-2+3","tool":"=cmd|' /C calc'!A0","provider":"constructor",
              "model":"＝1","requestId":"@x","tags":{"=k":"@v","__proto__":"toString"},"inputTokens":1,"success":false,"error":"-1,\n=2","metadata":{"__proto__":{"polluted":true},"large":"{{{large}}}"}}]
            """);

        var lines = await host.Client.GetStringAsync($"/v1/export?account={account}");
        Assert.True(lines.Length > 150_000, "what is large is not cut");
        var record = System.Text.Json.JsonDocument.Parse(lines).RootElement;
        Assert.True(record.GetProperty("metadata").GetProperty("__proto__").GetProperty("polluted").GetBoolean());
        Assert.Equal(large.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal),
            record.GetProperty("metadata").GetProperty("large").GetString());
        (await host.Post("/v1/import", lines.Replace($"\"account\":\"{account}\"", $"\"account\":\"{other}\"", StringComparison.Ordinal))).Is(200, """{"lines":1,"accepted":1,"failed":0,"errors":[]}""");
        // Booked later, and otherwise the same.
        static string Unbooked(string line) => System.Text.RegularExpressions.Regex.Replace(line, "\"bookedAt\":\"[^\"]*\"", "");
        Assert.Equal(Unbooked(lines.Replace(account, other, StringComparison.Ordinal)),
            Unbooked(await host.Client.GetStringAsync($"/v1/export?account={other}")));

        var fields = Fields(await host.Client.GetStringAsync($"/v1/export?account={account}&format=csv")).ToArray();
        Assert.Equal(0, fields.Length % 2);
        Assert.DoesNotContain(fields, field => field.Length > 0 && "=+-@＝".Contains(field[0], StringComparison.Ordinal));
        Assert.Contains("'=cmd|' /C calc'!A0", fields);

        (await host.Post($"/v1/accounts/{account}/usage", $$$"""{"metadata":{"large":"{{{new string('x', 1_000_000)}}}"}}""")).IsProblem(400, "invalid", "metadata");
    }

    /// <summary>The fields of all lines, one after the other.</summary>
    static IEnumerable<string> Fields(string csv)
    {
        var (field, quoted) = (new System.Text.StringBuilder(), false);
        for (var i = 0; i < csv.Length; i++)
            if (quoted && csv[i] == '"' && i + 1 < csv.Length && csv[i + 1] == '"') field.Append(csv[i++]);
            else if (csv[i] == '"') quoted = !quoted;
            else if (!quoted && (csv[i] is ',' or '\n'))
            {
                yield return field.ToString().TrimEnd('\r');
                field.Clear();
            }
            else field.Append(csv[i]);
    }

    [Fact]
    public async Task An_import_names_each_line_that_it_can_not_take_and_takes_the_others()
    {
        var account = host.NewAccount();
        var reply = await host.Post($"/v1/import?account={account}", """
            {"id":"u1","timestamp":"2026-03-01T10:00:00Z","inputTokens":3}
            {"id":"u2","timestamp":"2026-03-01T10:00:00Z","inputTokens":-1}
            {"id":"u3"
            {"timestamp":"2026-03-01T10:00:00Z"}
            {"id":"u5","inputTokens":1}

            {"id":"u6","timestamp":"2026-03-01T10:00:00Z","currency":"EUR"}
            {"id":"u7","timestamp":"2026-03-01T10:00:00Z","colour":1}
            {"id":"u1","timestamp":"2026-03-01T10:00:00Z","inputTokens":4}
            {"id":"u8","timestamp":"2026-03-01T10:00:00Z","inputTokens":5,"account":"a b"}
            {"id":"u9","timestamp":"2026-03-01T10:00:00Z","inputTokens":5}
            """);
        Assert.Equal((11, 2, 8), (reply.Json.GetProperty("lines").GetInt32(), reply.Json.GetProperty("accepted").GetInt32(),
            reply.Json.GetProperty("failed").GetInt32()));
        Assert.Equal(
            ["2:inputTokens", "3:", "4:id", "5:timestamp", "7:currency", "8:colour", "9:id", "10:account"],
            reply.Json.GetProperty("errors").EnumerateArray().OrderBy(error => error.GetProperty("line").GetInt32())
                .Select(error => $"{error.GetProperty("line")}:{error.GetProperty("field")}"));
        Assert.Equal(8, (await host.Get($"/v1/reports?account={account}&from=2026-03-01&to=2026-03-01")).Json.GetProperty("summary")
            .GetProperty("totalTokens").GetInt32());
    }

    [Fact]
    public async Task Sessions_have_totals_and_decisions_an_audit_trail()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"day","unit":"tokens","window":"day","amount":100}]}""");
        await host.Post($"/v1/accounts/{account}/pause", """{"reason":"why not"}""");
        await host.Post($"/v1/accounts/{account}/resume");
        await host.Post($"/v1/accounts/{account}/usage", """[{"session":"s1","inputTokens":3},{"session":"s2","inputTokens":4},{"session":"s1","inputTokens":5},{"inputTokens":6}]""");

        var page = (await host.Get($"/v1/accounts/{account}/sessions?limit=1")).Json;
        Assert.Equal(("s1", 8), (page.GetProperty("items")[0].GetProperty("session").GetString(), page.GetProperty("items")[0]
            .GetProperty("totalTokens").GetInt32()));
        var next = (await host.Get($"/v1/accounts/{account}/sessions?limit=1&cursor={page.GetProperty("nextCursor").GetString()}")).Json;
        Assert.Equal("s2", next.GetProperty("items")[0].GetProperty("session").GetString());

        var trail = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray().ToArray();
        Assert.Equal(["policyChanged", "paused", "resumed"], trail.Select(item => item.GetProperty("action").GetString()));
        Assert.Equal(("why not", 1), (trail[1].GetProperty("reason").GetString(), trail[0].GetProperty("policy").GetProperty("limits")
            .GetArrayLength()));
        (await host.Get($"/v1/accounts/{host.NewAccount()}/audit")).IsProblem(404, "unknown-account", "account");
        (await host.Get($"/v1/accounts/{account}/audit?cursor=x")).IsProblem(400, "invalid", "cursor");
    }

    [Fact]
    public async Task Erased_usage_is_gone_from_reports_while_counters_stay()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":100}]}""");
        await host.Post($"/v1/accounts/{account}/usage", """[{"id":"u1","user":"ann","inputTokens":3},{"user":"bob","inputTokens":4}]""");

        var reply = await host.Delete($"/v1/accounts/{account}/usage?user=ann&by=eve&reason=asked");
        Assert.Equal(200, reply.Code);
        // Where the ledger is not at hand, silos do it within a moment.
        for (var asked = 0; asked < 20_000 && (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items")
            .GetArrayLength() > 1; asked++)
            Assert.Equal("False", reply.Member("erased"));

        Assert.Equal("bob", Assert.Single((await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").EnumerateArray())
            .GetProperty("user").GetString());
        Assert.Equal(7, (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetInt32());
        var item = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("usageErased", "ann", "eve", "asked"), (item.GetProperty("action").GetString(), item.GetProperty("user").GetString(),
            item.GetProperty("by").GetString(), item.GetProperty("reason").GetString()));
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","user":"ann","inputTokens":3}""")).Code);
        Assert.Equal(7, (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetInt32());
        (await host.Delete($"/v1/accounts/{host.NewAccount()}/usage")).IsProblem(404, "unknown-account", "account");
    }

    [Fact]
    public async Task Anonymous_usage_stays_in_every_report_without_the_person()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """
            {"limits":[{"id":"life","unit":"tokens","window":"lifetime","amount":100},{"id":"each","unit":"tokens","window":"lifetime","amount":50,"each":"user"}]}
            """);
        await host.Post($"/v1/accounts/{account}/usage", """
            [{"id":"u1","user":"ann","session":"s1","tags":{"team":"red"},"model":"gpt-4o","inputTokens":30,"metadata":{"mail":"ann@example.com"}},
             {"id":"u2","user":"bob","model":"gpt-4o","inputTokens":40},{"id":"u3","user":"ann","raw":{"prompt_tokens":5,"completion_tokens":1},"model":"gpt-4o"}]
            """);
        (await host.Delete($"/v1/accounts/{account}/usage?user=ann&mode=forget")).IsProblem(400, "invalid", "mode");
        (await host.Delete($"/v1/accounts/{account}/usage?user=ann&mode=")).IsProblem(400, "invalid", "mode");
        var before = (await host.Get($"/v1/reports?account={account}&groupBy=model")).Json;
        var reply = await host.Delete($"/v1/accounts/{account}/usage?user=ann&mode=anonymize&by=eve&reason=asked");
        Assert.Equal((200, "anonymize"), (reply.Code, reply.Member("mode")));
        var text = await EverythingAsync();
        // Where the ledger is not at hand, silos do it within a moment: the records first, what is added up of them after.
        await Servers.ServerProcess.UntilAsync(async () => reply.Member("erased") == "True"
            || !(text = await EverythingAsync()).Contains("\"ann\"", StringComparison.Ordinal), () => text);
        foreach (var about in (string[])["ann", "s1", "red", "prompt_tokens"]) Assert.DoesNotContain(about, text, StringComparison.Ordinal);
        var after = (await host.Get($"/v1/reports?account={account}&groupBy=model")).Json;
        Assert.Equal(before.GetProperty("summary").GetProperty("totalCost").GetString(),
            after.GetProperty("summary").GetProperty("totalCost").GetString());
        Assert.Equal(before.GetProperty("breakdown").GetRawText(), after.GetProperty("breakdown").GetRawText());
        Assert.Equal([(null, 36), ("bob", 40)], (await host.Get($"/v1/reports?account={account}&groupBy=user")).Json
            .GetProperty("breakdown").EnumerateArray().Select(row => (row.GetProperty("key").GetString(),
                row.GetProperty("totalTokens").GetInt32())).OrderBy(row => row.Item2));
        var item = (await host.Get($"/v1/accounts/{account}/audit")).Json.GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("usageAnonymized", "eve"), (item.GetProperty("action").GetString(), item.GetProperty("by").GetString()));
        // A retry is still the same usage, and what is taken back counts where everybody's does.
        Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","user":"ann","session":"s1","tags":{"team":"red"},"model":"gpt-4o","inputTokens":30,"metadata":{"mail":"ann@example.com"}}""")).Code);
        Assert.Equal(200, (await host.Post($"/v1/accounts/{account}/usage/u1/void", """{"by":"eve","reason":"wrong"}""")).Code);
        var limits = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits").EnumerateArray()
            .Select(limit => (limit.GetProperty("key").GetString(), limit.GetProperty("settled").GetInt32()));
        Assert.Equal([(null, 46), ("ann", 36), ("bob", 40)], limits);
        // Elsewhere it is what it is here: anonymous, and in no counter of one user.
        foreach (var (format, type) in ((string, string)[])[("jsonl", "application/x-ndjson"), ("csv", "text/csv")])
        {
            var other = host.NewAccount();
            await host.Put($"/v1/accounts/{other}/policy",
                """{"limits":[{"id":"each","unit":"tokens","window":"lifetime","amount":50,"each":"user"}]}""");
            var file = (await host.Get($"/v1/export?account={account}&format={format}")).Text
                .Replace(account, other, StringComparison.Ordinal);
            var content = new StringContent(file, System.Text.Encoding.UTF8, type);
            Assert.Equal(200, (await host.Send(HttpMethod.Post, "/v1/import", content)).Code);
            Assert.Equal(Marked(account, (await host.Get($"/v1/accounts/{account}/usage")).Json),
                Marked(other, (await host.Get($"/v1/accounts/{other}/usage")).Json));
            var one = Assert.Single((await host.Get($"/v1/accounts/{other}")).Json.GetProperty("limits").EnumerateArray());
            Assert.Equal(("bob", 40), (one.GetProperty("key").GetString(), one.GetProperty("settled").GetInt32()));
        }

        static string[] Marked(string of, System.Text.Json.JsonElement list) =>
        [
            .. list.GetProperty("items").EnumerateArray().Select(item =>
                $"{item.GetProperty("id")} {item.GetProperty("account").GetString() == of} "
                + (item.TryGetProperty("anonymous", out var anonymous) ? anonymous.GetRawText() : "")).Order(StringComparer.Ordinal),
        ];

        async Task<string> EverythingAsync() => (await host.Get($"/v1/accounts/{account}/usage")).Text
            + (await host.Get($"/v1/export?account={account}")).Text
            + (await host.Get($"/v1/reports?account={account}&groupBy=user,session,tags.team")).Text;
    }

    [Fact]
    public async Task Recording_is_switched_off_by_the_policy_and_on_again()
    {
        var account = host.NewAccount();
        const string limits = """[{"id":"life","unit":"tokens","window":"lifetime","amount":100}]""";
        await host.Put($"/v1/accounts/{account}/policy", $$$"""{"limits":{{{limits}}},"usage":{"recording":"off"}}""");
        var usage = await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","inputTokens":30}""");
        Assert.Equal((201, "30", "False"), (usage.Code, usage.Member("tokens"), usage.Member("recorded")));
        Assert.Equal(0, await SettledAsync());
        Assert.Equal(0, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
        // A file that is to be taken in says that it is not, and a hold is settled as it was taken.
        var line = new StringContent("""{"id":"u2","timestamp":"2026-03-01T10:00:00Z","inputTokens":3}""", System.Text.Encoding.UTF8, "application/x-ndjson");
        (await host.Send(HttpMethod.Post, $"/v1/import?account={account}", line)).IsProblem(422, "unprocessable", "account");
        await host.Post($"/v1/accounts/{account}/reservations", """{"id":"h","tokens":50}""");
        await host.Post($"/v1/accounts/{account}/reservations/h/settle", """{"inputTokens":40}""");
        Assert.Equal(40, await SettledAsync());
        Assert.Equal("off", (await host.Get($"/v1/accounts/{account}/policy?effective=true")).Json.GetProperty("usage").GetProperty("recording").GetString());
        (await host.Put($"/v1/accounts/{account}/policy", """{"usage":{"recording":"maybe"}}""")).IsProblem(400, "invalid", "usage.recording");

        await host.Put($"/v1/accounts/{account}/policy", $$"""{"limits":{{limits}}}""");
        usage = await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","inputTokens":30}""");
        Assert.Equal((201, false), (usage.Code, usage.Json.TryGetProperty("recorded", out _)));
        Assert.Equal(70, await SettledAsync());

        async Task<int> SettledAsync() =>
            (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits")[0].GetProperty("settled").GetInt32();
    }

    [Fact]
    public async Task One_usage_is_answered_with_its_settlement()
    {
        var account = host.NewAccount();
        var reply = await host.Post($"/v1/accounts/{account}/usage", """{"id":"u1","model":"nobody-knows","inputTokens":1e3,"outputTokens":5.0,"timestamp":"2026-03-14T12:00:00.25+02:00"}""");
        reply.Is(201, """
            {"reservationId":null,"usageId":"u1","tokens":1005,"cost":"0","currency":"USD","priceVersion":null,"unpriced":true,"late":false,"overrun":false,"limits":[]}
            """);
    }

    [Fact]
    public async Task Many_are_answered_one_by_one()
    {
        var account = host.NewAccount();
        const string body = """
            [{"inputTokens":1,"cost":"0.1"},{"inputTokens":"1"},null,{"inputTokens":-1},{"id":"mine","inputTokens":2},{"raw":{"seats":1}},{"tools":["a",null]}]
            """;
        var reply = await host.Post($"/v1/accounts/{account}/usage", body, ("Idempotency-Key", "key"));
        Assert.Equal(201, reply.Code);
        var items = reply.Json.GetProperty("items").EnumerateArray().Select(item => (
            item.GetProperty("status").GetInt32(),
            item.TryGetProperty("usageId", out var id) ? id.GetString() : item.TryGetProperty("field", out var field)
                ? field.GetString() : null)).ToArray();
        Assert.Equal([(201, "key-0"), (400, "inputTokens"), (400, null), (400, "inputTokens"), (400, "id"), (422, "raw"),
            (400, "tools[1]")], items);
        Assert.Equal("urn:purser:problem:invalid", reply.Json.GetProperty("items")[1].GetProperty("type").GetString());

        // Again: the same settlement, nothing booked twice.
        await host.Post($"/v1/accounts/{account}/usage", body, ("Idempotency-Key", "key"));
        Assert.Equal(1, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task An_array_has_a_largest_size_and_must_be_sound()
    {
        var account = host.NewAccount();
        var most = await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', Enumerable.Repeat("{}", 1000))}]");
        Assert.Equal((201, 1000), (most.Code, most.Json.GetProperty("items").GetArrayLength()));
        (await host.Post($"/v1/accounts/{account}/usage", $"[{string.Join(',', Enumerable.Repeat("{}", 1001))}]"))
            .IsProblem(400, "invalid");
        (await host.Post($"/v1/accounts/{account}/usage", "[{},{]")).IsProblem(400, "invalid");
        (await host.Post($"/v1/accounts/{account}/usage", "[{}] {}")).IsProblem(400, "invalid");
        Assert.Equal("""{"items":[]}""", (await host.Post($"/v1/accounts/{account}/usage", "[]")).Text);
    }

    [Fact]
    public async Task Records_are_listed_as_they_were_booked()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """
            {"id":"u1","user":"ann","session":"s","provider":"openai","model":"gpt-4o","tool":"search","tags":{"team":"x"},"inputTokens":100,"outputTokens":20,"cachedInputTokens":40,
             "webSearches":0.5,"serviceTier":"batch","success":false,"error":"timeout","durationMs":1500,"requestId":"q1","tools":["search"],"toolCallId":"t1","cost":"0.125",
             "metadata":{"b":1,"a":"\u00fc"},"timestamp":"2026-03-01T00:00:00Z"}
            """);
        var reply = await host.Get($"/v1/accounts/{account}/usage?user=ann&success=false&from=2026-03-01&to=2026-03-01");
        var item = reply.Json.GetProperty("items")[0];
        var wanted = new Dictionary<string, string>
        {
            ["id"] = "u1", ["account"] = account, ["timestamp"] = "2026-03-01T00:00:00Z", ["kind"] = "reported", ["user"] = "ann",
            ["session"] = "s", ["provider"] = "openai", ["model"] = "gpt-4o", ["tool"] = "search", ["inputTokens"] = "100",
                ["outputTokens"] = "20", ["totalTokens"] = "120",
            ["cachedInputTokens"] = "40", ["webSearches"] = "0.5", ["requests"] = "1", ["cost"] = "0.125", ["currency"] = "USD",
                ["serviceTier"] = "batch", ["success"] = "False",
            ["error"] = "timeout", ["durationMs"] = "1500", ["requestId"] = "q1", ["toolCallId"] = "t1", ["metadata"] = """{"b":1,"a":"\u00fc"}""", ["tags"] = """{"team":"x"}""",
        };
        Assert.Equal(wanted, wanted.Keys.ToDictionary(name => name, name => item.GetProperty(name).ToString()));
        reply.IsTime("2026-03-14T15:09:26.535Z", item.GetProperty("bookedAt"));
        Assert.False(item.TryGetProperty("pages", out _));
        Assert.Equal(0, (await host.Get($"/v1/accounts/{account}/usage?user=bob")).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task A_list_goes_on_where_the_cursor_says()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """[{"id":"a","timestamp":"2026-03-03T00:00:00Z"},{"id":"b","timestamp":"2026-03-02T00:00:00Z"},{"id":"c","timestamp":"2026-03-01T00:00:00Z"}]""");
        var first = await host.Get($"/v1/accounts/{account}/usage?limit=2");
        var second = await host.Get($"/v1/accounts/{account}/usage?limit=2&cursor={first.Member("nextCursor")}");
        Assert.Equal((2, "c", ""), (first.Json.GetProperty("items").GetArrayLength(), second.Json.GetProperty("items")[0].GetProperty("id")
            .GetString(), second.Member("nextCursor")));
        (await host.Get($"/v1/accounts/{account}/usage?cursor=nonsense")).IsProblem(400, "invalid", "cursor");
    }

    [Fact]
    public async Task Nothing_is_erased_where_a_filter_is_empty()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", """{"user":"ann","inputTokens":7}""");
        (await host.Delete($"/v1/accounts/{account}/usage?user=")).IsProblem(400, "invalid", "user");
        Assert.Equal(1, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
        foreach (var path in (string[])["/v1/export?user=", "/v1/usage?model=", "/v1/export?account=",
            $"/v1/accounts/{account}/usage?tags.a="])
            Assert.Equal(400, (await host.Get(path)).Code);
    }

    [Theory]
    [InlineData("colour=red", "colour")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=99999999999999999999", "limit")]
    [InlineData("success=maybe", "success")]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2026-03-02&to=2026-03-01", "to")]
    [InlineData("from=2026-03-01T00:00:00", "from")]
    [InlineData("user=", "user")]
    [InlineData("user=%01", "user")]
    public async Task Wrong_parameters_are_named(string query, string field) =>
        (await host.Get($"/v1/accounts/{host.NewAccount()}/usage?{query}")).IsProblem(400, "invalid", field);
}
