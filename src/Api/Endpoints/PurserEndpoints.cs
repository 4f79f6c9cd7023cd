// Every route of the service, a method for each subject. Handlers are plain request delegates; what the OpenAPI description tells of
// them stands beside each.
using Purser.Answers;
using Purser.Api.Access;
using Purser.Api.Alerts;
using Purser.Api.Description;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Engine;
using Purser.Gate;

namespace Purser.Api.Endpoints;

public static class PurserEndpoints
{
    /// <summary>
    /// Maps the service onto whatever <see cref="IBudgetAuthority"/>, <see cref="IUsageQueries"/>, <see cref="IUsageHistories"/> and
    /// <see cref="LedgerClock"/> the host has registered. They are taken once, here. Without a clock, this machine's is the one.
    /// </summary>
    public static IEndpointRouteBuilder MapPurser(this IEndpointRouteBuilder routes)
    {
        new RouteMap(routes).MapAll();
        return routes;
    }
}

sealed class RouteMap(IEndpointRouteBuilder routes)
{
    readonly IServiceProvider services = routes.ServiceProvider;
    readonly IBudgetAuthority authority = routes.ServiceProvider.GetRequiredService<IBudgetAuthority>();
    readonly IUsageQueries queries = routes.ServiceProvider.GetRequiredService<IUsageQueries>();
    readonly IUsageHistories histories = routes.ServiceProvider.GetRequiredService<IUsageHistories>();
    readonly LedgerClock clock = routes.ServiceProvider.GetService<LedgerClock>()
        ?? new(routes.ServiceProvider.GetService<TimeProvider>() ?? TimeProvider.System);

    public void MapAll()
    {
        var overviews = new Overviews(authority, queries, clock);
        MapPolicies();
        MapAccounts(overviews);
        MapReservations(overviews);
        MapUsage();
        MapOverrides();
        MapReports();
        MapQuotes();
        MapPrices();
        MapOperations();
        MapEvents();
        MapClock();
        MapKeys();
        MapTenants();
        MapGateRoutes();
        MapHome();
    }

    void MapPolicies()
    {
        var policies = new PolicyEndpoints(authority, new(authority, queries, clock), clock);
        routes.On("GET", "/v1/accounts/{account}/policy", Right.Read, policies.Get, "getPolicy", "The policy of an account")
            .Takes(PolicyEndpoints.Effective).Answers<PolicyDocument>();
        routes.On("PUT", "/v1/accounts/{account}/policy", Right.Policy, policies.Put, "putPolicy", "Sets the policy of an account")
            .Takes(PolicyEndpoints.Actor).Takes<PolicyDocument>().Answers<PolicyDocument>();
        routes.On("POST", "/v1/accounts/{account}/policy/preview", Right.Read, policies.Preview, "previewPolicy",
            "What a policy would have decided about the calls of a past time").Takes<PolicyTrialDocument>()
                .Answers<PolicyPreviewDocument>();
        routes.On("GET", "/v1/default-policy", Right.Read, policies.GetDefault, "getDefaultPolicy", "The policy under every account")
            .Answers<PolicyDocument>();
        routes.On("PUT", "/v1/default-policy", Right.Operate, policies.PutDefault, "putDefaultPolicy",
            "Sets the policy under every account")
            .Takes(PolicyEndpoints.Actor).Takes<PolicyDocument>().Answers<PolicyDocument>();
        routes.On("GET", "/v1/default-policy/history", Right.Operate, policies.DefaultHistory, "getDefaultPolicyHistory",
            "Who changed the policy under every account, and why").Answers<DefaultPolicyHistoryDocument>();
    }

    void MapAccounts(Overviews overviews)
    {
        var accounts = new AccountEndpoints(authority, queries, overviews, clock);
        routes.On("GET", "/v1/accounts", Right.Read, accounts.List, "listAccounts",
            "Accounts by id, each with its status and its worst limit")
            .Takes(AccountEndpoints.ListParameters).Answers<AccountsDocument>();
        routes.On("GET", "/v1/accounts/{account}", Right.Read, accounts.Status, "getAccount", "An account as it stands")
            .Takes(AccountEndpoints.StatusParameters).Answers<StatusDocument>();
        routes.On("POST", "/v1/accounts/{account}/pause", Right.Policy, accounts.Pause, "pauseAccount", "Refuses every call until resumed")
            .TakesOptional<PauseDocument>().Answers<StatusDocument>();
        routes.On("POST", "/v1/accounts/{account}/resume", Right.Policy, accounts.Resume, "resumeAccount", "Ends a pause")
            .TakesOptional<PauseDocument>().Answers<StatusDocument>();
        routes.On("POST", "/v1/accounts/{account}/sessions/{session}/close", Right.Hold | Right.Record, accounts.CloseSession,
            "closeSession",
            "Ends a session's windows").TakesOptional<NothingDocument>().Answers<SessionDocument>();
        routes.On("GET", "/v1/accounts/{account}/sessions/{session}", Right.Read, accounts.Session, "getSession", "What a session used")
            .Answers<SessionDocument>();

        routes.On("GET", "/v1/accounts/{account}/sessions", Right.Read, accounts.Sessions, "listSessions",
            "What sessions used, by their names")
            .Takes(Paging.Parameters).Answers<SessionsDocument>();
        routes.On("GET", "/v1/accounts/{account}/audit", Right.Read, accounts.Audit, "listAudit",
            "What was decided about an account, in order: policies, pauses, overrides, erasures").Takes(Paging.Parameters)
                .Answers<AuditDocument>();
    }

    void MapReservations(Overviews overviews)
    {
        var reservations = new ReservationEndpoints(authority, overviews, clock);
        routes.On("GET", "/v1/reservations", Right.Read, reservations.ListAll, "listAllReservations",
            "The open reservations of all accounts, those that run out first").Takes(ReservationEndpoints.ListAllParameters)
                .Answers<AllReservationsDocument>();
        routes.On("GET", "/v1/accounts/{account}/reservations", Right.Read | Right.Hold, reservations.List, "listReservations",
            "The open reservations of an account, those that run out first").Takes(Paging.Parameters).Answers<OpenReservationsDocument>();
        routes.On("POST", "/v1/accounts/{account}/check", Right.Check | Right.Hold, reservations.Check, "check",
            "Whether a call may be made; takes nothing")
            .Takes<EstimateDocument>().Answers<DecisionDocument>();
        routes.On("POST", "/v1/accounts/{account}/reservations", Right.Hold, reservations.Reserve, "reserve", "Holds what a call may use")
            .Takes<EstimateDocument>().Answers<DecisionDocument>(201).Answers<RefusalDocument>(429);
        routes.On("GET", "/v1/accounts/{account}/reservations/{reservation}", Right.Read | Right.Hold, reservations.Get, "getReservation",
            "A reservation")
            .Answers<ReservationDocument>();
        routes.On("POST", "/v1/accounts/{account}/reservations/{reservation}/settle", Right.Hold, reservations.Settle, "settle",
            "Books what a call used and gives the rest back").Takes<SettleDocument>().Answers<SettlementDocument>();
        routes.On("POST", "/v1/accounts/{account}/reservations/{reservation}/release", Right.Hold, reservations.Release, "release",
            "Gives everything back").TakesOptional<NothingDocument>().Answers<ReservationDocument>();
        routes.On("POST", "/v1/accounts/{account}/reservations/{reservation}/extend", Right.Hold, reservations.Extend, "extend",
            "Adds time, amount or both").Takes<EstimateDocument>().Answers<DecisionDocument>().Answers<RefusalDocument>(429);
    }

    void MapUsage()
    {
        var usage = new UsageEndpoints(authority, queries, services.GetService<IUsageUpkeep>());
        routes.On("POST", "/v1/accounts/{account}/usage", Right.Record, usage.Record, "recordUsage",
            $"Books usage that was not held: one, or an array of up to {UsageEndpoints.MostItems}, answered item by item")
                .TakesMany<UsageDocument>().Answers<SettlementDocument>(201).Answers<UsageResultsDocument>(201);
        routes.On("GET", "/v1/accounts/{account}/usage", Right.Read | Right.Report, usage.List, "listUsage", "Booked usage, newest first")
            .Takes(UsageEndpoints.ListParameters).Answers<RecordsDocument>();

        routes.On("DELETE", "/v1/accounts/{account}/usage", Right.Erase, usage.Erase, "eraseUsage",
            "Erases the records booked so far, all or a user's; counters stay").Takes(UsageEndpoints.EraseParameters)
                .Answers<ErasureDocument>();
        var adjustments = new AdjustmentEndpoints(authority, queries);
        routes.On("POST", "/v1/accounts/{account}/usage/{usage}/void", Right.Erase, adjustments.Void, "voidUsage",
            "Takes a booked usage back: it never counts from now on").Takes<VoidDocument>().Answers<AdjustedDocument>();
        routes.On("POST", "/v1/accounts/{account}/credits", Right.Erase, adjustments.Credit, "credit",
            "Gives a part of what was used back").Takes<CreditDocument>().Answers<AdjustedDocument>(201);
        routes.On("POST", "/v1/usage/{usage}/correct", Right.Erase, adjustments.Correct, "correctUsage",
            "Says what a booked usage really used; the difference is booked beside it").Takes<CorrectionDocument>()
                .Answers<AdjustedDocument>();
        routes.On("GET", "/v1/usage", Right.Report, usage.ListAll, "listAllUsage", "Booked usage of all accounts, newest first")
            .Takes(UsageEndpoints.ListAllParameters).Answers<RecordsDocument>();
        var exports = new ExportEndpoints(authority, queries);
        routes.On("GET", "/v1/export", Right.Report, exports.Export, "exportUsage", "Records as a stream, newest first")
            .Takes(ExportEndpoints.ExportParameters).AnswersFile("application/x-ndjson");
        routes.On("POST", "/v1/import", Right.Record, new ImportEndpoints(authority, queries).Import, "importUsage",
            "Books the records of a file as exports write them; a record whose id is booked counts nothing twice")
                .Takes(ImportEndpoints.Parameters).Answers<ImportDocument>().Answers<ImportDocument>(207);

        routes.On("POST", "/v1/otlp/v1/traces", Right.Record, new OtlpEndpoints(authority).Traces, "receiveTraces",
            "Books the usage in spans of OpenTelemetry").Takes(OtlpEndpoints.Parameters).AnswersFile(OtlpEndpoints.Protobuf);
        routes.On("POST", "/v1/batch", Right.None, new BatchEndpoints(authority).Run, "runBatch",
            "Many operations, a line each, and a line of answer for each").AnswersLines<BatchLineDocument, BatchResultDocument>();
    }

    void MapOverrides()
    {
        var overrides = new OverrideEndpoints(authority);
        routes.On("POST", "/v1/accounts/{account}/overrides", Right.Override, overrides.Add, "addOverride",
            "Raises (or cuts) a limit for a time")
            .Takes<NewOverrideDocument>().Answers<OverrideDocument>(201);
        routes.On("GET", "/v1/accounts/{account}/overrides", Right.Read, overrides.List, "listOverrides", "Overrides, ended ones included")
            .Answers<OverridesDocument>();
        routes.On("GET", "/v1/accounts/{account}/overrides/{override}", Right.Read, overrides.Get, "getOverride", "An override")
            .Answers<OverrideDocument>();
        routes.On("DELETE", "/v1/accounts/{account}/overrides/{override}", Right.Override, overrides.Remove, "removeOverride",
            "Ends an override at once")
            .Takes(PolicyEndpoints.Actor).Answers<OverrideDocument>();
    }

    void MapReports()
    {
        var anomalies = new AnomalyEndpoints(authority, histories);
        routes.On("GET", "/v1/accounts/{account}/anomalies", Right.Read, anomalies.List, "listAnomalies",
            "What was unlike the account's past, newest first").Takes(AnomalyEndpoints.Parameters).Answers<AnomaliesDocument>();
        var firstDays = new FirstDaysEndpoints(authority, new(authority, queries, clock,
            services.GetRequiredService<ILogger<FirstDaysUpkeep>>()));
        routes.On("GET", "/v1/anomalies/first-days", Right.Operate, firstDays.Get, "getFirstDays",
            "What new accounts are held against: what others used in their first days")
            .Takes(FirstDaysEndpoints.Parameters).Answers<FirstDaysListDocument>();
        routes.On("POST", "/v1/anomalies/first-days", Right.Operate, firstDays.Learn, "learnFirstDays",
            "Learns that from all accounts now, instead of within six hours")
            .Takes(FirstDaysEndpoints.Parameters).Answers<FirstDaysListDocument>();
        var projections = new ProjectionEndpoints(new Projections(authority, queries, histories, clock));
        routes.On("GET", "/v1/accounts/{account}/projection", Right.Read, projections.Project, "getProjection",
            "Where usage is going: day, week, month, year, and each limit").Takes(ProjectionEndpoints.Parameters)
                .Answers<ProjectionDocument>();

        var reports = new ReportEndpoints(new Reports(queries, histories, authority), authority, queries, clock);
        routes.On("GET", "/v1/reports", Right.Report, reports.Report, "getReport", "Usage over a period, in sum, by group and over time")
            .Takes(ReportParameters.All).Answers<ReportDocument>();
    }

    void MapQuotes()
    {
        routes.On("POST", "/v1/tokens/count", Right.None, TokenEndpoints.Count, "countTokens",
            "How many tokens a text or a prompt has for a model")
            .Takes<TokenCountRequestDocument>().Answers<TokenCountDocument>();
        var quotes = new QuoteEndpoints(authority, clock);
        routes.On("POST", "/v1/quotes", Right.None, quotes.Quote, "quote",
            $"What a usage costs, exactly, part by part; or an array of up to {QuoteEndpoints.MostQuotes}, answered item by item")
            .TakesMany<QuoteRequestDocument>().Answers<QuoteDocument>().Answers<QuotesDocument>();
        routes.On("POST", "/v1/quotes/compare", Right.None, quotes.Compare, "compareQuotes",
            "The same usage over several models, cheapest first")
            .Takes<ComparisonRequestDocument>().Answers<ComparisonDocument>();
    }

    void MapPrices()
    {
        var prices = new PriceEndpoints(authority, queries, clock);
        routes.On("GET", "/v1/prices", Right.None, prices.List, "listPrices", "Prices by provider and model")
            .Takes(PriceEndpoints.ListParameters)
            .Answers<PricesDocument>().Answers<UnpricedModelsDocument>();
        routes.On("GET", "/v1/prices/{provider}/{**model}", Right.None, prices.Get, "getPrice", "The price of a model, and who changed it")
            .Answers<PriceDocument>();
        routes.On("PUT", "/v1/prices/{provider}/{**model}", Right.Operate, prices.Put, "putPrice", "Puts a price over the catalogue's")
            .Takes<System.Text.Json.Nodes.JsonObject>().Answers<PriceDocument>();
        routes.On("DELETE", "/v1/prices/{provider}/{**model}", Right.Operate, prices.Delete, "deletePrice",
            "Takes a custom price away: the catalogue's holds again");

        var catalogue = new CatalogueEndpoints(authority, clock);
        routes.On("GET", "/v1/prices/catalogue", Right.None, catalogue.Get, "getCatalogue", "The catalogue in force, and its history")
            .Answers<CatalogueDocument>();
        routes.On("PUT", "/v1/prices/catalogue", Right.Operate, catalogue.Put, "putCatalogue",
            "Replaces the catalogue as a whole, or refuses it")
            .Takes<System.Text.Json.Nodes.JsonObject>().Takes(CatalogueEndpoints.Parameters).Answers<CatalogueDocument>();
        routes.On("DELETE", "/v1/prices/catalogue", Right.Operate, catalogue.Delete, "deleteCatalogue",
            "Goes back to the built-in catalogue")
            .Takes(CatalogueEndpoints.Parameters).Answers<CatalogueDocument>();

        var exchange = new ExchangeRateEndpoints(authority, clock);
        routes.On("GET", "/v1/exchange-rates", Right.None, exchange.Get, "getExchangeRates", "Exchange rates, as they were given")
            .Answers<ExchangeRatesDocument>();
        routes.On("GET", "/v1/exchange-rates/convert", Right.None, exchange.Convert, "convert", "An amount in another currency")
            .Takes(ExchangeRateEndpoints.ConversionParameters).Answers<ConversionDocument>();
        routes.On("PUT", "/v1/exchange-rates", Right.Operate, exchange.Put, "putExchangeRates", "Replaces the exchange rates")
            .Takes<ExchangeRatesDocument>().Answers<ExchangeRatesDocument>();
        routes.On("POST", "/v1/prices/reprice", Right.Operate, new RepriceEndpoints(authority, queries).Reprice, "reprice",
            "Rates records anew: those without a price, or named ones").Takes<RepriceRequestDocument>().Answers<RepriceDocument>();
    }

    void MapOperations()
    {
        // Behind a cluster's client there is no ledger: its silos have it.
        if (services.GetService<IStore>() is { } ledger)
        {
            var operations = new OperationEndpoints(ledger, clock, services.GetService<AccessOptions>()?.AuditKey);
            routes.On("GET", "/v1/backup", Right.Operate, operations.Backup, "getBackup",
                "Everything, as a compressed file that `restore` reads")
                .AnswersFile(OperationEndpoints.BackupType);
            routes.On("POST", "/v1/rebuild", Right.Operate, operations.Rebuild, "rebuild",
                "Makes what reports are read from again out of the journal")
                .Answers<RebuildDocument>();
            routes.On("POST", "/v1/verify", Right.Operate, operations.Verify, "verify",
                "Replays the journal and compares everything that was derived from it").Answers<VerificationDocument>();
            routes.On("GET", "/v1/audit/seal", Right.Operate, operations.Seal, "getAuditSeal",
                "Where the audit trail of every account stands, signed").AnswersFile(OperationEndpoints.SealType);
        }
    }

    void MapEvents()
    {
        if (services.GetService<EventTail>() is { } tail)
        {
            var events = new EventEndpoints(tail, services.GetRequiredService<Callers>(),
                services.GetRequiredService<ListenerLimit>());
            routes.On("GET", "/v1/events", Right.Read | Right.Report, events.Stream, "streamEvents",
                "Everything that happens, as server-sent events").Takes(EventEndpoints.Parameters).AnswersFile("text/event-stream");
        }
        if (services.GetService<WebhookStore>() is { } webhookStore)
        {
            var webhooks = new WebhookEndpoints(
                webhookStore, services.GetRequiredService<WebhookSender>(), services.GetRequiredService<WebhookWatch>(),
                services.GetRequiredService<EventTail>(), clock, services.GetRequiredService<WebhookTargets>(),
                services.GetRequiredService<Trail>());
            MapWebhooks(webhooks);
        }
        if (services.GetService<AlertStore>() is { } alertStore) MapAlerts(alertStore);
    }

    void MapClock()
    {
        if (services.GetService<INodes>() is { } nodes)
            routes.On("GET", "/v1/system", Right.Operate, new SystemEndpoints(nodes).Get, "getSystem",
                "The ledger, how far reports are behind it, and the nodes that serve").Answers<SystemDocument>();
        var clocks = new ClockEndpoints(clock);
        routes.On("GET", "/v1/clock", Right.Operate, clocks.Get, "getClock", "The clock of this host, and a jump that it holds back")
            .Answers<ClockDocument>();
        routes.On("POST", "/v1/clock/accept", Right.Operate, clocks.Accept, "acceptClock",
            "Says that the clock, which jumped, is right; every host on this ledger follows within seconds")
            .TakesOptional<AcceptClockDocument>().Answers<ClockDocument>();
    }

    void MapKeys()
    {
        if (services.GetService<KeyRing>() is { } ring)
        {
            var keys = new KeyEndpoints(ring, services.GetRequiredService<Callers>(), clock);
            routes.On("POST", "/v1/keys", Right.Keys, keys.Create, "createKey", "Makes a key; its text is shown once")
                .Takes<NewKeyDocument>()
                .Answers<KeyDocument>(201);
            routes.On("GET", "/v1/keys", Right.Keys, keys.List, "listKeys", "Keys, revoked ones included").Answers<KeysDocument>();
            routes.On("GET", "/v1/keys/{key}", Right.Keys, keys.Get, "getKey", "A key").Answers<KeyDocument>();
            routes.On("POST", "/v1/keys/{key}/rotate", Right.Keys, keys.Rotate, "rotateKey",
                "Gives a key a new text; the old one is taken for a while").TakesOptional<RotateKeyDocument>().Answers<KeyDocument>();
            routes.On("DELETE", "/v1/keys/{key}", Right.Keys, keys.Revoke, "revokeKey", "Ends a key at once").Answers<KeyDocument>();
            routes.On("GET", "/v1/me", Right.None, KeyEndpoints.Me, "getMe", "What the caller may do, and for which accounts")
                .Answers<MeDocument>();
        }
    }

    void MapTenants()
    {
        if (services.GetService<KeyRing>() is not { } ring) return;
        var tenants = new TenantEndpoints(authority, queries, services.GetRequiredService<Callers>(), ring, clock,
            services.GetService<WebhookStore>(), services.GetService<AlertStore>());
        routes.On("GET", "/v1/tenants", Right.Read, tenants.List, "listTenants", "Tenants by id, as far as the caller may see them")
            .Takes(Paging.Parameters).Answers<TenantsDocument>();
        routes.On("GET", "/v1/tenants/{tenant}", Right.Read, tenants.Get, "getTenant", "A tenant").Answers<TenantDocument>();
        routes.On("PUT", "/v1/tenants/{tenant}", Right.Operate, tenants.Put, "putTenant", "Makes a tenant, or changes it as a whole")
            .Takes<NewTenantDocument>().Answers<TenantDocument>();
        routes.On("DELETE", "/v1/tenants/{tenant}", Right.Operate, tenants.Delete, "deleteTenant",
            "Takes a tenant away that has no accounts and no keys").Takes(PolicyEndpoints.Actor).Answers<TenantDocument>();
    }

    void MapGateRoutes()
    {
        if (services.GetService<RouteTable>() is { } table)
        {
            var gate = new GateEndpoints(table, services.GetService<Trail>());
            routes.On("GET", "/v1/gate/routes", Right.Operate, gate.Get, "getGateRoutes", "How providers are reached through the gate")
                .Answers<GateRoutesDocument>();
            routes.On("PUT", "/v1/gate/routes", Right.Operate, gate.Put, "putGateRoutes",
                "Sets routes of the gate over the built-in ones, as a whole").Takes<GateRoutesDocument>().Answers<GateRoutesDocument>();
            routes.MapGate();
        }
    }

    void MapHome()
    {
        var home = new HomeEndpoints(authority, services.GetService<IStore>(), clock,
            services.GetRequiredService<ILoggerFactory>().CreateLogger("Purser.Api.Readiness"));
        routes.Open("GET", "/", HomeEndpoints.Home, "getHome", "Where to go on").Answers<HomeDocument>();
        routes.Open("GET", "/health/live", HomeEndpoints.Live, "getLiveness", "The process runs").Answers<HealthDocument>();
        routes.Open("GET", "/health/ready", home.Ready, "getReadiness", "The ledger can be reached").Answers<HealthDocument>();
        routes.MapMetrics();
        routes.MapDescription();
        routes.MapProblemPages();
        routes.MapReferencePage();
    }

    void MapAlerts(AlertStore store)
    {
        var trail = services.GetRequiredService<Trail>();
        var alerts = new AlertEndpoints(store, clock, trail);
        routes.On("GET", "/v1/alerts", Right.Read | Right.Report, alerts.List, "listAlerts", "Alerts, newest first, resolved ones included")
            .Takes(AlertEndpoints.Parameters).Answers<AlertsDocument>();
        routes.On("GET", "/v1/alerts/{alert}", Right.Read | Right.Report, alerts.Get, "getAlert", "An alert, and what was told of it")
            .Answers<AlertDocument>();
        routes.On("POST", "/v1/alerts/{alert}/acknowledge", Right.Operate | Right.Policy | Right.Override, alerts.Acknowledge,
            "acknowledgeAlert", "Says that somebody has seen it").TakesOptional<AcknowledgeDocument>().Answers<AlertDocument>();
        routes.On("GET", "/v1/alert-rules", Right.Operate | Right.Policy | Right.Read, alerts.Rules, "getAlertRules",
            "The rules that make alerts").Answers<AlertRulesDocument>();
        routes.On("PUT", "/v1/alert-rules", Right.Operate, alerts.PutRules, "putAlertRules", "Replaces the rules")
            .Takes<AlertRulesDocument>().Answers<AlertRulesDocument>();
        var channels = new AlertChannelEndpoints(store, services.GetRequiredService<AlertPost>(), services.GetRequiredService<MailSender>(),
            clock, services.GetRequiredService<WebhookTargets>(), trail);
        routes.On("POST", "/v1/alert-channels", Right.Operate | Right.Policy, channels.Create, "createAlertChannel",
            "Tells alerts to a log, a webhook, Slack, Teams, PagerDuty or by e-mail").Takes<NewAlertChannelDocument>()
                .Answers<AlertChannelDocument>(201);
        routes.On("GET", "/v1/alert-channels", Right.Operate | Right.Policy, channels.List, "listAlertChannels",
            "Channels, the log included")
            .Answers<AlertChannelsDocument>();
        routes.On("GET", "/v1/alert-channels/{channel}", Right.Operate | Right.Policy, channels.Get, "getAlertChannel", "A channel")
            .Answers<AlertChannelDocument>();
        routes.On("PUT", "/v1/alert-channels/{channel}", Right.Operate | Right.Policy, channels.Put, "putAlertChannel",
            "Changes a channel as a whole").Takes<NewAlertChannelDocument>().Answers<AlertChannelDocument>();
        routes.On("DELETE", "/v1/alert-channels/{channel}", Right.Operate | Right.Policy, channels.Delete, "deleteAlertChannel",
            "Takes a channel away").Answers<AlertChannelDocument>();
        routes.On("POST", "/v1/alert-channels/{channel}/test", Right.Operate | Right.Policy, channels.Test, "testAlertChannel",
            "Sends a made-up alert at once").TakesOptional<NothingDocument>().Answers<AttemptDocument>();
    }

    void MapWebhooks(WebhookEndpoints webhooks)
    {
        routes.On("POST", "/v1/webhooks", Right.Operate | Right.Policy, webhooks.Create, "createWebhook",
            "Sends events to an address; the secret that signs them is shown once").Takes<NewWebhookDocument>()
                .Answers<WebhookDocument>(201);
        routes.On("GET", "/v1/webhooks", Right.Operate | Right.Policy, webhooks.List, "listWebhooks", "Webhooks")
            .Answers<WebhooksDocument>();
        routes.On("GET", "/v1/webhooks/{webhook}", Right.Operate | Right.Policy, webhooks.Get, "getWebhook", "A webhook, and how far it is")
            .Answers<WebhookDocument>();
        routes.On("PUT", "/v1/webhooks/{webhook}", Right.Operate | Right.Policy, webhooks.Put, "putWebhook", "Changes a webhook as a whole")
            .Takes<NewWebhookDocument>().Answers<WebhookDocument>();
        routes.On("DELETE", "/v1/webhooks/{webhook}", Right.Operate | Right.Policy, webhooks.Delete, "deleteWebhook",
            "Takes a webhook away, with what waits to be sent").Answers<WebhookDocument>();
        routes.On("POST", "/v1/webhooks/{webhook}/secret", Right.Operate | Right.Policy, webhooks.Rotate, "rotateWebhookSecret",
            "Gives a webhook a new secret; the old one signs too for a day").TakesOptional<RotateSecretDocument>()
                .Answers<WebhookDocument>();
        routes.On("POST", "/v1/webhooks/{webhook}/test", Right.Operate | Right.Policy, webhooks.Test, "testWebhook",
            "Sends a made-up event at once").TakesOptional<NothingDocument>().Answers<AttemptDocument>();
        routes.On("GET", "/v1/webhooks/{webhook}/deliveries", Right.Operate | Right.Policy, webhooks.Deliveries, "listDeliveries",
            "Messages that have not arrived: waiting and dead ones").Takes(WebhookEndpoints.PageParameters).Answers<DeliveriesDocument>();
        routes.On("POST", "/v1/webhooks/{webhook}/deliveries/{delivery}/replay", Right.Operate | Right.Policy, webhooks.Replay,
            "replayDelivery", "Sends a message once more, at once").TakesOptional<NothingDocument>().Answers<AttemptDocument>();
    }
}
