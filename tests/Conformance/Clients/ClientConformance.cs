// The .NET client on a real host: every operation is asked, and nothing of an answer is lost.
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Purser.Client;
using Purser.Conformance.Http;
using Estimate = Purser.Client.Estimate;
using Policy = Purser.Client.Policy;
using Settle = Purser.Client.Settle;
using Usage = Purser.Client.Usage;

namespace Purser.Conformance.Clients;

public abstract class ClientConformance(HttpFacade host)
{
    const string key = "the key of the client";
    static readonly DateTimeOffset nearTime = HttpFacade.Time;

    PurserClient Open(string? key = null, HttpClient? of = null, Listening? through = null) => new(
        through is null ? of ?? host.Client : new HttpClient(through),
        new() { BaseAddress = (of ?? host.Client).BaseAddress!, Key = key, RetryDelay = TimeSpan.Zero });

    static Policy Tokens(long amount) => new()
    {
        Limits = [new() { Id = "all", Unit = LimitUnit.Tokens, Window = "day", Amount = amount, Enforcement = Enforcement.Hard,
            Thresholds = [0.5m] }],
    };

    [Fact]
    public async Task A_call_is_held_settled_and_refused_as_a_result()
    {
        var (client, account) = (Open(), host.NewAccount());
        var policy = await client.PutPolicyAsync(account, Tokens(1000), by: "ann", reason: "a test");
        Assert.Equal(1, policy.Version);
        Assert.Equal(1000, policy.Limits![0].Amount!.Value.ToDecimal());

        var held =
            (await client.ReserveAsync(
                account, new() { Id = "h", InputTokens = 100, MaxOutputTokens = 400, Ttl = TimeSpan.FromMinutes(5) })).EnsureAllowed();
        Assert.Equal(500, held.Reservation!.Tokens);
        Assert.Equal(TimeSpan.FromMinutes(5), held.Reservation.ExpiresAt - held.Reservation.CreatedAt);
        var settled = await client.SettleAsync(
            account, "h", new() { InputTokens = 100, OutputTokens = 50, Duration = TimeSpan.FromSeconds(1.5) });
        Assert.Equal((150, "h"), (settled.Tokens, settled.ReservationId));

        var refused = await client.ReserveAsync(account, new() { InputTokens = 100, MaxOutputTokens = 900 });
        Assert.False(refused.Allowed);
        var blocker = Assert.Single(refused.BlockedBy);
        Assert.Equal(("all", LimitUnit.Tokens, 1000m, 850m), (blocker.LimitId, blocker.Unit, (decimal)blocker.Requested,
            (decimal)blocker.Remaining!.Value));
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromHours(1), TimeSpan.FromDays(1));
        Assert.Equal(750, Assert.Single(refused.Suggestions, suggestion => suggestion.MaxOutputTokens is not null).MaxOutputTokens);
        var thrown = Assert.Throws<BudgetRefusedException>(() => refused.EnsureAllowed());
        Assert.Contains("all", thrown.Message, StringComparison.Ordinal);
        Assert.Equal(429, refused.Status);
    }

    [Fact]
    public async Task A_call_is_paid_out_of_what_was_lent()
    {
        var (client, account) = (Open(), host.NewAccount());
        await client.PutPolicyAsync(account, Tokens(1000));
        await client.ReserveAsync(account, new() { Id = "lent", Tokens = 1000 });
        Assert.False((await client.ReserveAsync(account, new() { Tokens = 400 })).Allowed);
        (await client.ReserveAsync(account, new() { Id = "call", Tokens = 400, From = "lent" })).EnsureAllowed();
        Assert.Equal(600, await LeftAsync());
        var refused = await client.ReserveAsync(account, new() { Tokens = 700, From = "lent" });
        Assert.Contains("pays for this call and has 600 of 1000 tokens left", refused.Reason, StringComparison.Ordinal);
        await client.SettleAsync(account, "call", new() { Tokens = 100 });
        Assert.Equal(900, await LeftAsync());
        await client.ReleaseAsync(account, "lent");

        async Task<long> LeftAsync() =>
            Assert.Single((await client.ListReservationsAsync(account)).Items, open => open.Id == "lent").Remaining.Tokens;
    }

    [Fact]
    public async Task A_paused_account_and_a_wrong_request_say_why()
    {
        var (client, account) = (Open(), host.NewAccount());
        await client.PutPolicyAsync(account, Tokens(1000));
        await client.PauseAccountAsync(account, new() { Reason = "the quarter is over", By = "ann" });
        var paused = await client.ReserveAsync(account, new() { Tokens = 1 });
        Assert.False(paused.Allowed);
        Assert.Contains("the quarter is over", paused.Reason, StringComparison.Ordinal);

        var wrong = await Assert.ThrowsAsync<PurserException>(() => client.ReserveAsync(account, new() { InputTokens = -1 }));
        Assert.Equal((400, "invalid", "inputTokens", false), (wrong.Status, wrong.Problem!.Word, wrong.Problem.Field, wrong.IsTransient));
        var nobody = await Assert.ThrowsAsync<PurserException>(() => client.GetReservationAsync(account, "none"));
        Assert.Equal((404, "not-found"), (nobody.Status, nobody.Problem!.Word));
        var stale = await Assert.ThrowsAsync<PurserException>(() => client.PutPolicyAsync(account, Tokens(5), ifVersion: 7));
        Assert.Equal(412, stale.Status);
    }

    [Fact]
    public async Task What_is_sent_twice_is_booked_once()
    {
        var (client, account) = (Open(), host.NewAccount());
        var usage = new Usage { Id = "u", InputTokens = 10, OutputTokens = 5, Model = "gpt-4o", Provider = "openai" };
        var first = await client.RecordUsageAsync(account, usage);
        var again = await client.RecordUsageAsync(account, usage);
        Assert.Equal((first.UsageId, first.Cost), (again.UsageId, again.Cost));
        var many = await client.RecordUsageAsync(
            account, [usage, new() { Id = "v", InputTokens = -1 }, new() { InputTokens = 1, OutputTokens = 1 }]);
        Assert.Equal([201, 400, 201], many.Select(item => item.Settlement?.Status ?? item.Problem!.Status));
        Assert.Equal(2, (await client.ListUsageAsync(account)).Items.Count);
    }

    [Fact]
    public async Task Exports_are_read_as_they_come_and_imported_elsewhere()
    {
        var (client, account, other) = (Open(), host.NewAccount(), host.NewAccount());
        await client.RecordUsageAsync(account, Enumerable.Range(0, 120).Select(i => new Usage
        {
            Id = $"r{i}", InputTokens = i, OutputTokens = 1, Model = "gpt-4o", Provider = "openai", Timestamp = nearTime.AddMinutes(-i),
            Tags = new Dictionary<string, string> { ["team"] = "search" }, Metadata = new() { ["row"] = i },
        }));
        var records = new List<UsageRecord>();
        await foreach (var record in client.ExportUsageAsync(new() { Account = [account] })) records.Add(record);
        Assert.Equal(Enumerable.Range(0, 120), records.Select(record => (int)record.InputTokens));
        var imported = await client.ImportUsageAsync(Moved());
        Assert.Equal((120, 120, 0), (imported.Lines, imported.Accepted, imported.Failed));
        Assert.Equal(records.Sum(record => record.Cost), (await client.GetReportAsync(new() { Account = [other] })).Summary.TotalCost);
        using var csv = new MemoryStream();
        await client.ExportUsageAsync(csv, "csv", new() { Account = [other] });
        Assert.Equal(121, System.Text.Encoding.UTF8.GetString(csv.ToArray()).TrimEnd().Split('\n').Length);

        async IAsyncEnumerable<UsageRecord> Moved()
        {
            foreach (var record in records)
            {
                await Task.Yield();
                yield return record with { Account = other };
            }
        }
    }

    [Fact]
    public async Task Events_come_as_they_happen()
    {
        var (client, account) = (Open(), host.NewAccount());
        using var end = new CancellationTokenSource(Servers.ServerProcess.Patience);
        await client.PutPolicyAsync(account, Tokens(1000), cancellationToken: end.Token);
        await client.RecordUsageAsync(account, new Usage { Id = "e", InputTokens = 600, OutputTokens = 0 }, end.Token);
        await foreach (var happened in client.StreamEventsAsync(new() { Account = [account], After = 0 }, end.Token))
        {
            Assert.Equal(account, happened.Account);
            Assert.True(happened.Position > 0 && happened.Id.Length > 0
                && happened.Data.ValueKind == System.Text.Json.JsonValueKind.Object);
            if (happened.Type.Contains("threshold", StringComparison.Ordinal)) return;
        }
        Assert.Fail("the stream ended");
    }

    [Fact]
    public async Task Every_operation_is_asked_and_nothing_of_its_answer_is_lost()
    {
        await using var guarded = await host.StartWithKeyAsync(key);
        using var inner = new SocketsHttpHandler();
        using var listening = new Listening(inner);
        var client = Open(key, guarded.Client, listening);
        var account = "client-" + host.NewAccount();
        await Calls(client, listening, account);
        await Accounts(client, listening, account);
        await Figures(client, listening, account);
        await Prices(client, listening, account);
        await KeysAndWebhooks(client, listening);
        await Operations(client, listening);

        var described = (await Reply.Of(await guarded.Client.GetAsync("/openapi/v1.json"))).Json.GetProperty("paths");
        var unasked = from path in described.EnumerateObject()
                      from operation in path.Value.EnumerateObject()
                      let pattern = new Regex("^" + Regex.Replace(path.Name.Replace("{model}", ".+", StringComparison.Ordinal),
                          @"\{[^}]*\}", "[^/]+") + "$")
                      where !listening.Asked.Exists(asked => asked.Method.Method.Equals(operation.Name, StringComparison.OrdinalIgnoreCase)
                          && pattern.IsMatch(asked.Path))
                      select $"{operation.Name} {path.Name}";
        // Spans are sent by exporters of OpenTelemetry, which are clients of their own.
        Assert.Equal(["post /v1/otlp/v1/traces"], unasked);
    }

    static async Task Calls(PurserClient client, Listening heard, string account)
    {
        heard.Holds(await client.PutPolicyAsync(account, new()
        {
            Limits =
            [
                new() { Id = "day", Unit = LimitUnit.Tokens, Window = "day", Amount = 100_000, Enforcement = Enforcement.Hard,
                    Mode = LimitMode.Enforce,
                    Match = new Dictionary<string, string> { ["model"] = "gpt-*" }, Thresholds = [0.5m, new(0.9m, "critical")] },
                new() { Id = "money", Unit = LimitUnit.Cost, Window = "month", Amount = 12.50m, Enforcement = Enforcement.Adaptive },
                new() { Id = "open", Unit = LimitUnit.Requests, Window = "rolling:PT1H", Amount = null, Each = "user",
                    Enforcement = Enforcement.Soft },
            ],
            WeekStart = DayOfWeek.Sunday, Holds = new() { DefaultTtl = TimeSpan.FromMinutes(10), OnExpiry = ExpiryRule.Charge },
            Adaptive = new() { Measures = ["reduce_max_tokens"] }, TimeZone = "Europe/Berlin",
        }), PurserJson.Default.Policy);
        var call = new Estimate
        {
            InputTokens = 500, MaxOutputTokens = 1000, Provider = "openai", Model = "gpt-4o", User = "u", Session = "s",
            Tags = new Dictionary<string, string> { ["team"] = "search" },
        };
        heard.Holds(await client.CheckAsync(account, call), PurserJson.Default.Decision);
        var held = (await client.ReserveAsync(account, call)).Reservation!;
        heard.Holds(held, PurserJson.Default.Reservation, "reservation");
        heard.Holds(await client.GetReservationAsync(account, held.Id), PurserJson.Default.Reservation);
        heard.Holds(await client.ListReservationsAsync(account), PurserJson.Default.OpenReservations);
        heard.Holds(await client.ListAllReservationsAsync(), PurserJson.Default.AllReservations);
        heard.Holds(await client.ExtendAsync(account, held.Id, new() { Ttl = TimeSpan.FromMinutes(20), MaxOutputTokens = 100 }),
            PurserJson.Default.Decision);
        heard.Holds(await client.SettleAsync(account, held.Id, new Settle
        {
            Raw = JsonNode.Parse("""{"prompt_tokens":500,"completion_tokens":300,"total_tokens":800,"prompt_tokens_details":{"cached_tokens":100}}""")!.AsObject(),
            Provider = "openai", Model = "gpt-4o", Duration = TimeSpan.FromMilliseconds(812),
        }), PurserJson.Default.Settlement);
        var other = (await client.ReserveAsync(account, call)).Reservation!;
        heard.Holds(await client.ReleaseAsync(account, other.Id), PurserJson.Default.Reservation);
        var refused = await client.ReserveAsync(account, call with { MaxOutputTokens = 1_000_000 });
        Assert.False(refused.Allowed);
        heard.Holds(refused, PurserJson.Default.Decision);
        heard.Holds(await client.RecordUsageAsync(account, new Usage { InputTokens = 10, OutputTokens = 10, Model = "no such model" }),
            PurserJson.Default.Settlement);
        heard.Holds(await client.CountTokensAsync(new() { Model = "gpt-4o", Text = "How many are these?" }), PurserJson.Default.TokenCount);
        var quoted = new QuoteUsage { InputTokens = 1000, OutputTokens = 500, CachedInputTokens = 100 };
        heard.Holds(await client.QuoteAsync(new() { Model = "gpt-4o", Usage = quoted }), PurserJson.Default.Quote);
        heard.Holds(await client.CompareQuotesAsync(new() { Models = ["gpt-4o", "gpt-4o-mini", "none"], Usage = quoted }),
            PurserJson.Default.Comparison);
    }

    static async Task Accounts(PurserClient client, Listening heard, string account)
    {
        heard.Holds(await client.GetPolicyAsync(account, effective: true), PurserJson.Default.Policy);
        var ended = HttpFacade.Time.AddYears(10);
        var raised = await client.AddOverrideAsync(account, new() { LimitId = "money", Additional = 2.5m, Reason = "r", CreatedBy = "ann",
            ExpiresAt = ended, Metadata = new() { ["ticket"] = 7 } });
        heard.Holds(raised, PurserJson.Default.Override);
        heard.Holds(await client.GetOverrideAsync(account, raised.Id), PurserJson.Default.Override);
        heard.Holds(await client.ListOverridesAsync(account), PurserJson.Default.OverrideList);
        heard.Holds(await client.GetAccountAsync(account, new() { Window = "month" }), PurserJson.Default.AccountStatus);
        heard.Holds(await client.RemoveOverrideAsync(account, raised.Id, by: "ann", reason: "done"), PurserJson.Default.Override);
        heard.Holds(await client.ListAccountsAsync(new() { Search = account, Limit = 10 }), PurserJson.Default.AccountPage);
        heard.Holds(await client.PauseAccountAsync(account, new() { Reason = "lunch" }), PurserJson.Default.AccountStatus);
        heard.Holds(await client.ResumeAccountAsync(account), PurserJson.Default.AccountStatus);
        heard.Holds(await client.GetSessionAsync(account, "s"), PurserJson.Default.SessionTotals);
        heard.Holds(await client.ListSessionsAsync(account), PurserJson.Default.SessionPage);
        heard.Holds(await client.CloseSessionAsync(account, "s"), PurserJson.Default.SessionTotals);
        heard.Holds(await client.ListAuditAsync(account, new() { Limit = 100 }), PurserJson.Default.AuditPage);
        heard.Holds(await client.ListAnomaliesAsync(account, new() { Withdrawn = true, Kind = ["spike", "newModel"] }),
            PurserJson.Default.AnomalyPage);
        heard.Holds(await client.GetProjectionAsync(account), PurserJson.Default.Projection);
        heard.Holds(await client.PreviewPolicyAsync(account, new()
        {
            Policy = new() { Limits = [new() { Id = "none", Unit = LimitUnit.Requests, Window = "day", Amount = 0 }] },
            From = HttpFacade.Time.AddDays(-1), To = HttpFacade.Time.AddDays(1), Limit = 5,
        }), PurserJson.Default.PolicyPreview);
        var defaults = await client.GetDefaultPolicyAsync();
        heard.Holds(defaults, PurserJson.Default.Policy);
        heard.Holds(await client.PutDefaultPolicyAsync(defaults, "ada", "a test"), PurserJson.Default.Policy);
        heard.Holds(await client.GetDefaultPolicyHistoryAsync(), PurserJson.Default.DefaultPolicyHistory);
    }

    static async Task Figures(PurserClient client, Listening heard, string account)
    {
        heard.Holds(
            await client.ListUsageAsync(account, new() { Model = ["gpt-*"], Limit = 10, Tags = new Dictionary<string,
                IReadOnlyList<string>> { ["team"] = ["search"] } }),
            PurserJson.Default.UsageRecordPage);
        heard.Holds(await client.GetReportAsync(new()
        {
            Account = [account], GroupBy = ["user", "user*model", "tag"], Granularity = "hour", From = nearTime.AddDays(-1),
                To = nearTime.AddDays(1),
            Compare = "previous", IncludeAnomalies = true, TimeZone = "Europe/Berlin", Top = 3, Currency = "USD",
        }), PurserJson.Default.Report);
        await client.RecordUsageAsync(account, new Usage { Id = "wrong", InputTokens = 5, OutputTokens = 5, Model = "gpt-4o" });
        heard.Holds(
            await client.CorrectUsageAsync("wrong", new() { Account = account, InputTokens = 6, OutputTokens = 5, Model = "gpt-4o",
                By = "ann", Reason = "r" }), PurserJson.Default.Adjusted);
        heard.Holds(await client.VoidUsageAsync(account, "wrong", new() { By = "ann", Reason = "r" }), PurserJson.Default.Adjusted);
        heard.Holds(await client.CreditAsync(account, new() { Amount = 0.001m, Unit = LimitUnit.Cost, By = "ann", Reason = "r" }),
            PurserJson.Default.Adjusted);
        var results = new List<BatchResult>();
        await foreach (var result in client.RunBatchAsync([BatchLine.Reserve(account, new() { Id = "b", Tokens = 5, Model = "gpt-4o" }),
            BatchLine.Settle(account, "b", new() { Tokens = 4 }), BatchLine.Release(account, "none"),
                BatchLine.RecordUsage(account, new() { InputTokens = 1 })])) results.Add(result);
        Assert.Equal((true, 4L, "not-found", 201L), (results[0].ToDecision()!.Allowed, results[1].ToSettlement()!.Tokens,
            results[2].ToProblem()!.Word, results[3].Status));
        await foreach (var record in client.ExportUsageAsync(new() { Account = [account] })) Assert.Equal(account, record.Account);
        using var lines = new MemoryStream("""{"id": "x", "timestamp": "2026-03-14T15:00:00Z", "inputTokens": 1}"""u8.ToArray());
        heard.Holds(await client.ImportUsageAsync(lines, account), PurserJson.Default.ImportResult);
        heard.Holds(await client.EraseUsageAsync(account, user: "nobody", by: "ann", reason: "r", mode: "anonymize"), PurserJson.Default.Erasure);
        heard.Holds(await client.EraseUsageAsync(account, user: "nobody", by: "ann", reason: "r"), PurserJson.Default.Erasure);
        using var end = new CancellationTokenSource(Servers.ServerProcess.Patience);
        await foreach (var happened in client.StreamEventsAsync(new() { Account = [account], After = 0 }, end.Token)) break;
    }

    static async Task Prices(PurserClient client, Listening heard, string account)
    {
        heard.Holds(await client.QuoteManyAsync([new() { Model = "gpt-4o", Usage = new() { InputTokens = 1 } }, new() { Model = "none",
            Usage = new() }]), PurserJson.Default.Quotes);
        heard.Holds(await client.ConvertAsync(1.5m, "USD", "USD"), PurserJson.Default.Conversion);
        heard.Holds(await client.ListPricesAsync(new() { Search = "gpt-4o", Limit = 3 }), PurserJson.Default.PricePage);
        heard.Holds(await client.ListUnpricedModelsAsync(), PurserJson.Default.UnpricedModelList);
        heard.Holds(await client.GetPriceAsync("openai", "gpt-4o"), PurserJson.Default.JsonObject);
        var price = JsonNode.Parse("""{"mode":"chat","rates":{"input":"1","output":"2"}}""")!.AsObject();
        heard.Holds(await client.PutPriceAsync("house", "of/" + account, price), PurserJson.Default.JsonObject);
        await client.DeletePriceAsync("house", "of/" + account);
        heard.Holds(await client.GetCatalogueAsync(), PurserJson.Default.PriceCatalogue);
        var bad = await Assert.ThrowsAsync<PurserException>(
            () => client.PutCatalogueAsync(new() { ["entries"] = 1 }, by: "ann", reason: "r"));
        Assert.InRange(bad.Status!.Value, 400, 422);
        heard.Holds(await client.DeleteCatalogueAsync(by: "ann"), PurserJson.Default.PriceCatalogue);
        heard.Holds(await client.GetExchangeRatesAsync(), PurserJson.Default.ExchangeRates);
        await Assert.ThrowsAsync<PurserException>(() => client.PutExchangeRatesAsync(new() { Base = "no currency" }));
        heard.Holds(await client.RepriceAsync(new() { Account = account, All = true, Limit = 5 }), PurserJson.Default.RepriceResult);
    }

    static async Task KeysAndWebhooks(PurserClient client, Listening heard)
    {
        var made = await client.CreateKeyAsync(
            new() { Name = "a", Rights = ["read"], Accounts = ["client-*"], ExpiresAt = nearTime.AddYears(10) });
        heard.Holds(made, PurserJson.Default.ApiKey);
        heard.Holds(await client.GetKeyAsync(made.Id), PurserJson.Default.ApiKey);
        heard.Holds(await client.RotateKeyAsync(made.Id, new() { Overlap = TimeSpan.FromMinutes(1) }), PurserJson.Default.ApiKey);
        heard.Holds(await client.ListKeysAsync(), PurserJson.Default.ApiKeys);
        heard.Holds(await client.RevokeKeyAsync(made.Id), PurserJson.Default.ApiKey);
        heard.Holds(await client.GetMeAsync(), PurserJson.Default.CallerInfo);

        var terms = new NewTenant { Name = "of clients", Accounts = ["tenant-of-clients:*"], DefaultPolicy = Tokens(1000),
            Reason = "a test" };
        var tenant = await client.PutTenantAsync("of-clients", terms, ifVersion: 0);
        heard.Holds(tenant, PurserJson.Default.Tenant);
        Assert.Equal(412, (await Assert.ThrowsAsync<PurserException>(() => client.PutTenantAsync("of-clients", terms with { Name = "x" },
            ifVersion: 0))).Status);
        heard.Holds(await client.GetTenantAsync("of-clients"), PurserJson.Default.Tenant);
        heard.Holds(await client.ListTenantsAsync(limit: 5), PurserJson.Default.TenantPage);
        heard.Holds(await client.GetFirstDaysAsync(), PurserJson.Default.FirstDaysList);
        heard.Holds(await client.LearnFirstDaysAsync("of-clients"), PurserJson.Default.FirstDaysList);
        heard.Holds(await client.DeleteTenantAsync("of-clients", reason: "it is over"), PurserJson.Default.Tenant);

        var hook = await client.CreateWebhookAsync(new() { Url = "http://127.0.0.1:9/", Types = ["account.paused"], Description = "d" });
        heard.Holds(hook, PurserJson.Default.Webhook);
        heard.Holds(await client.GetWebhookAsync(hook.Id), PurserJson.Default.Webhook);
        heard.Holds(await client.PutWebhookAsync(hook.Id, new() { Url = "http://127.0.0.1:9/", Types = ["account.paused"] }),
            PurserJson.Default.Webhook);
        heard.Holds(await client.ListWebhooksAsync(), PurserJson.Default.WebhookList);
        heard.Holds(await client.RotateWebhookSecretAsync(hook.Id), PurserJson.Default.Webhook);
        heard.Holds(await client.TestWebhookAsync(hook.Id), PurserJson.Default.DeliveryAttempt);
        heard.Holds(await client.ListDeliveriesAsync(hook.Id), PurserJson.Default.DeliveryPage);
        var none = await Assert.ThrowsAsync<PurserException>(() => client.ReplayDeliveryAsync(hook.Id, "none"));
        Assert.Equal(404, none.Status);
        heard.Holds(await client.DeleteWebhookAsync(hook.Id), PurserJson.Default.Webhook);
    }

    static async Task Operations(PurserClient client, Listening heard)
    {
        heard.Holds(await client.ListAlertsAsync(new() { State = ["firing"], Severity = ["critical"] }), PurserJson.Default.AlertPage);
        Assert.Equal(404, (await Assert.ThrowsAsync<PurserException>(() => client.GetAlertAsync("none"))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<PurserException>(() => client.AcknowledgeAlertAsync("none"))).Status);
        var rules = await client.GetAlertRulesAsync();
        heard.Holds(rules, PurserJson.Default.AlertRules);
        heard.Holds(await client.PutAlertRulesAsync(rules), PurserJson.Default.AlertRules);
        var channel = await client.CreateAlertChannelAsync(
            new() { Kind = "log", Name = "n", Quiet = new() { From = "22:00", To = "06:00", Days = [DayOfWeek.Friday] } });
        heard.Holds(channel, PurserJson.Default.AlertChannel);
        heard.Holds(await client.GetAlertChannelAsync(channel.Id), PurserJson.Default.AlertChannel);
        heard.Holds(await client.PutAlertChannelAsync(channel.Id, new() { Kind = "log", Name = "m" }), PurserJson.Default.AlertChannel);
        heard.Holds(await client.ListAlertChannelsAsync(), PurserJson.Default.AlertChannelList);
        heard.Holds(await client.TestAlertChannelAsync(channel.Id), PurserJson.Default.DeliveryAttempt);
        heard.Holds(await client.DeleteAlertChannelAsync(channel.Id), PurserJson.Default.AlertChannel);
        var routes = await client.GetGateRoutesAsync();
        heard.Holds(routes, PurserJson.Default.GateRoutes);
        var wrong = await Assert.ThrowsAsync<PurserException>(() =>
            client.PutGateRoutesAsync(new() { Routes = [new() { Name = "n", Protocol = "none" }] }));
        Assert.InRange(wrong.Status!.Value, 400, 422);
        heard.Holds(await client.ListAllUsageAsync(new() { Account = ["client-*"], Limit = 5 }), PurserJson.Default.UsageRecordPage);
        heard.Holds(await client.GetClockAsync(), PurserJson.Default.ServiceClock);
        heard.Holds(await client.GetSystemAsync(), PurserJson.Default.ServiceSystem);
        heard.Holds(await client.AcceptClockAsync(new() { Reason = "a test" }), PurserJson.Default.ServiceClock);
        heard.Holds(await client.GetHomeAsync(), PurserJson.Default.ServiceInfo);
        heard.Holds(await client.GetLivenessAsync(), PurserJson.Default.ServiceHealth);
        try
        {
            heard.Holds(await client.GetReadinessAsync(), PurserJson.Default.ServiceHealth);
        }
        catch (PurserException notReady) when (notReady.Status == 503)
        {
            // The clock that a test has set is far from that of the ledger: such a host says so.
        }
    }
}
