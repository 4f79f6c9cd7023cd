// A small language for decisions: one line per command, ending in its expected status and figures, so that a test reads as the
// specification. Whatever a line leaves out is not checked.
//
//   at 2026-03-02T10:00 | wait 15m                        moves time
//   purge 2026-03-01T00:00                                records booked before are gone
//   prices eur | small                                    (settings) another price book
//   first-days                                            (settings) what others used in their first days was learned
//   default LIMITS [with SETTINGS]                        (settings) a new default policy
// policy LIMITS [with SETTINGS] => done                 limits are `ID UNIT/WINDOW AMOUNT [soft|adaptive] [shadow|off] [each D] [match D=P]
// [at R,R] [grace PERCENT/MINUTES]`, parted by `;`
// check|reserve ID|extend HOLD ID [ESTIMATE]            tokens= in= max= answers= cost= ttl=
// model= provider= user= session= tool= tag.NAME= ...
// from=HOLD
//   settle HOLD ID|record ID [USAGE]                      in= out= total= cost= cached= at= reported= lines=MODEL:IN:OUT,... tier=
//                                                         failed partial unknown disputed ...
//   override ID LIMIT|UNIT/WINDOW ±AMOUNT until=2h ...    key= from= cut
// => STATUS [FIELD] [CHECKS]                            done | unknown-account | invalid | mismatch | not-found | conflict | version |
// unprocessable | paused | refused
//
// Checks: `LIMIT=SETTLED/HELD` or `LIMIT[KEY]=...` (as the status shows it afterwards), `LIMIT.remaining=` and other members of its view,
// `sums=INPUT/OUTPUT` (of all records, as reports show them), `sums:outcome|tool|model:VALUE=INPUT/OUTPUT`, `discount=` (likewise),
// `blocked=A,B`, `field=`, `A.requested=`, `A.retry=90|never` (of the blockers), `suggest=...`, `state=`, `tokens=`, `cost=`, flags such as
// `late`, and `events=a,b`.
using System.Globalization;
using System.Text.RegularExpressions;
using NodaTime;
using NodaTime.Text;

namespace Purser.Core.Tests;

sealed partial class Table
{
    static readonly Dictionary<string, OutcomeStatus> statuses = new()
    {
        ["done"] = OutcomeStatus.Done, ["unknown-account"] = OutcomeStatus.UnknownAccount, ["invalid"] = OutcomeStatus.Invalid,
        ["mismatch"] = OutcomeStatus.IdempotencyMismatch, ["not-found"] = OutcomeStatus.NotFound, ["conflict"] = OutcomeStatus.Conflict,
        ["version"] = OutcomeStatus.VersionMismatch, ["unprocessable"] = OutcomeStatus.Unprocessable, ["paused"] = OutcomeStatus.Paused,
        ["refused"] = OutcomeStatus.Refused,
    };

    readonly Desk desk = new();

    /// <summary>What was exercised, for the check that nothing is left out.</summary>
    public HashSet<Type> Commands { get; } = [];
    public HashSet<Type> Events => desk.Journal.Select(happened => happened.GetType()).ToHashSet();
    public HashSet<OutcomeStatus> Statuses { get; } = [];
    public Desk Desk => desk;

    public static Table Run(string script)
    {
        var table = new Table();
        foreach (var line in script.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            if (!line.StartsWith('#')) table.Line(line);
        return table;
    }

    void Line(string line)
    {
        var parts = line.Split("=>", StringSplitOptions.TrimEntries);
        var words = Words().Matches(parts[0]).Select(match => match.Value).ToList();
        var verb = words[0];
        try
        {
            if (Directive(verb, words[1..])) return;
            var command = Command(verb, words[1..]);
            Commands.Add(command.GetType());
            var outcome = desk.Send(command);
            Statuses.Add(outcome.Status);
            Expect(outcome, Words().Matches(parts[1]).Select(match => match.Value).ToList());
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.FailException)
        {
            Assert.Fail($"in the line: {line}\n{exception.Message}\n{(exception is Xunit.Sdk.XunitException ? "" : exception.StackTrace)}");
        }
    }

    bool Directive(string verb, List<string> words)
    {
        switch (verb)
        {
            case "at": desk.Now = Time(words[0]); return true;
            case "wait": desk.Now += Span(words[0]); return true;
            case "forget": desk.Forgets = true; return true;
            case "purge": desk.KeptSince = Time(words[0]); return true;
            case "restart": desk.Restart(); return true;
            case "reload": desk.Reload(); return true;
            case "first-days":
                desk.Settings = desk.Settings with
                {
                    Version = desk.Settings.Version + 1,
                    Body = desk.Settings.Body with { FirstDays = [new(null, desk.Now, 20, "USD", [new(72, 1_000, 1_000, 10)])] },
                };
                return true;
            case "refuse-unknown-accounts": desk.Settings = desk.Settings with { RefuseUnknownAccounts = true }; return true;
            case "prices":
                var book = new PriceBook(words[0], words[0] switch
                {
                    "none" => [],
                    "cheap" => [ModelPrice.Flat("openai", "big", 1m, 2m, "USD", 1000)],
                    _ => Desk.Prices.Models,
                });
                desk.Settings = desk.Settings with { Version = desk.Settings.Version + 1, Prices = book };
                return true;
            case "default":
                desk.Settings = desk.Settings with
                {
                    Version = desk.Settings.Version + 1, DefaultsVersion = desk.Settings.Version + 1,
                        DefaultPolicy = PolicyOf(words, out _),
                };
                Assert.Null(Validity.Problem(desk.Settings.DefaultPolicy));
                return true;
            default: return false;
        }
    }

    BudgetCommand Command(string verb, List<string> words)
    {
        var named = Named(words);
        switch (verb)
        {
            case "policy":
                var policy = PolicyOf(words, out var ifVersion);
                return new SetPolicy(policy, ifVersion);
            case "get-policy": return new GetPolicy();
            case "status": return new GetStatus(named.GetValueOrDefault("cursor"), (int)(Number(named, "page") ?? 100));
            case "pause": return new Pause(words.Count > 0 ? string.Join(' ', words) : null);
            case "resume": return new Resume();
            case "check": return new Check(EstimateOf(named));
            case "reserve": return new Reserve(Id(words[0]), EstimateOf(named), Number(named, "ttl")) { From = named.GetValueOrDefault(
                "from") };
            case "get": return new GetReservation(words[0]);
            case "extend":
                var more = EstimateOf(named);
                return new Extend(words[0], Id(words[1]), Number(named, "ttl"), more == new Estimate() ? null : more);
            case "settle": return new Settle(words[0], Id(words[1]), UsageOf(words, named), !words.Contains("partial"),
                words.Contains("unknown"));
            case "void": return new VoidUsage(words[0], named.GetValueOrDefault("by", "ann"),
                named.GetValueOrDefault("reason", "never made"));
            case "correct": return new CorrectUsage(words[0], UsageOf(words, named) with { Requests = 1 }, "ann", "counted twice");
            case "credit":
                var creditUnit = Unit(words[1]);
                return new Credit(Id(words[0]), new()
                {
                    Unit = creditUnit, Amount = (long)Amount(creditUnit, words[2])!.Value, UsageId = named.GetValueOrDefault("usage"),
                    Dimensions = DimensionsOf(named), At = named.TryGetValue("at", out var creditAt) ? Moment(creditAt) : null,
                    By = named.GetValueOrDefault("by", "ann"), Reason = named.GetValueOrDefault("reason", "outage"), Reference = "CN-7",
                });
            case "refuse-settle": return new RefuseSettle(words[0], "raw", "is no usage report that is known");
            case "release": return new Release(words[0]);
            case "record": return new Record(Id(words[0]), UsageOf(words, named));
            case "reprice": return new Reprice(words[0], words.Contains("unpriced"));
            case "override":
                var byWindow = words[1].Split('/');
                var unit = byWindow.Length == 2 ? Unit(byWindow[0])
                    : desk.State.Limits.Find(limit => limit.Limit.Id == words[1])?.Limit.Unit ?? LimitUnit.Tokens;
                return new AddOverride(Id(words[0]), new()
                {
                    LimitId = byWindow.Length == 2 ? null : words[1],
                    Window = byWindow.Length == 2 ? Window(byWindow[1]) : null,
                    Unit = byWindow.Length == 2 ? unit : null,
                    Additional = (long)Amount(unit, words[2].TrimStart('+'))!.Value,
                    Cut = words.Contains("cut"),
                    Key = named.GetValueOrDefault("key"),
                    Reason = named.GetValueOrDefault("reason", "a busy day"),
                    CreatedBy = named.GetValueOrDefault("by", "ann"),
                    StartsAt = named.TryGetValue("from", out var from) ? Moment(from) : null,
                    ExpiresAt = Moment(named["until"]),
                });
            case "drop": return new RemoveOverride(words[0], "bob");
            case "overrides": return new ListOverrides();
            case "close": return new CloseSession(words[0]);
            case "erase": return new EraseUsage(named.GetValueOrDefault("user"), "bob");
            case "tick": return new Tick();
            default: throw new ArgumentException($"no such verb: {verb}");
        }
    }

    void Expect(Outcome outcome, List<string> words)
    {
        Assert.True(statuses[words[0]] == outcome.Status, $"expected {words[0]}, was {outcome.Status}: {outcome.Field} {outcome.Detail}");
        var checks = words[1..];
        if (outcome.Status is OutcomeStatus.Invalid or OutcomeStatus.Unprocessable)
        {
            Assert.Equal(checks[0], outcome.Field);
            Assert.False(string.IsNullOrWhiteSpace(outcome.Detail));
            checks = checks[1..];
        }
        foreach (var check in checks)
        {
            var equals = check.IndexOf('=', StringComparison.Ordinal);
            var (name, expected) = equals < 0 ? (check, "yes") : (check[..equals], check[(equals + 1)..].Trim('"'));
            var actual = Actual(outcome, name);
            Assert.True(expected == actual, $"{name}: expected {expected}, was {actual}");
        }
    }

    string Actual(Outcome outcome, string name)
    {
        var decision = outcome.Answer as Decision;
        var settlement = outcome.Answer as Settlement;
        var reservation = outcome.Answer as ReservationView ?? decision?.Reservation;
        var status = outcome.Answer as AccountStatus;
        switch (name)
        {
            case "events": return List(desk.Last.Select(happened => happened.GetType().Name));
            case "announced": return List(desk.Last.OfType<ThresholdCrossed>()
                .Select(crossed => $"{crossed.LimitId}:{crossed.Ratio}#{crossed.Arming}"));
            case "detail": return outcome.Detail!;
            case "allowed": return Bool(decision!.Allowed);
            case "blocked": return List(decision!.BlockedBy.Select(blocker => blocker.Limit.LimitId));
            case "shadows": return List(decision!.ShadowBlockedBy.Select(blocker => blocker.Limit.LimitId));
            case "matches": return List((decision?.Limits ?? settlement!.Limits).Select(view => view.LimitId));
            case "changes": return decision!.Changes is { } changes ? Text(changes) : "none";
            case "warns": return List(decision!.Warnings.Select(blocker => blocker.Limit.LimitId));
            case "suggest": return List(decision!.Suggestions.Select(Text));
            case "reason": return decision?.PausedReason ?? status!.PausedReason ?? "none";
            case "field": return outcome.Field ?? "none";
            case "state": return outcome.Answer is OverrideView granted ? granted.State : reservation!.State.ToString().ToLowerInvariant();
            case "expires": return Text((outcome.Answer as OverrideView)?.Terms.ExpiresAt ?? reservation!.ExpiresAt);
            case "tokens" when outcome.Answer is Adjusted adjusted: return adjusted.Tokens.ToString(CultureInfo.InvariantCulture);
            case "cost" when outcome.Answer is Adjusted given: return given.Cost;
            case "adjustment": return ((Adjusted)outcome.Answer!).AdjustmentId ?? "none";
            case "tokens": return (settlement?.Tokens ?? reservation!.Tokens).ToString(CultureInfo.InvariantCulture);
            case "cost": return settlement?.Cost ?? reservation!.Cost;
            case "currency": return settlement?.Currency ?? reservation!.Currency;
            case "price": return settlement!.PriceVersion ?? "none";
            case "late": return Bool(settlement!.Late);
            case "overrun": return Bool(settlement!.Overrun);
            case "unpriced": return Bool(settlement!.Unpriced);
            case "unrated": return List(settlement!.UnpricedParts ?? []);
            case "tier": return settlement!.ServiceTier ?? "none";
            case "reported": return settlement!.ReportedCost ?? "none";
            case "disputed": return Bool(settlement!.Disputed is not null);
            case "lines": return List(
                (settlement!.Lines ?? []).Select(line => $"{line.Model}:{line.Tokens}:{Money.Format(line.CostNanos)}"));
            case "account": return status!.Status;
            case "is-paused": return Bool(status!.Paused);
            case "active": return status!.ActiveReservations.ToString(CultureInfo.InvariantCulture);
            case "reserved": return status!.ReservedTokens.ToString(CultureInfo.InvariantCulture);
            case "shown": return List(status!.Limits.Select(view => view.Key is { } key ? $"{view.LimitId}[{key}]" : view.LimitId));
            case "next": return status!.NextCursor ?? "none";
            case "overrides": return List(outcome.Answer is OverrideList all ? all.Items.Select(item => $"{item.Id}:{item.State}")
                : status!.Overrides.Select(item => $"{item.Id}:{item.State}"));
            case "version": return ((PolicyView)outcome.Answer!).Version.ToString(CultureInfo.InvariantCulture);
            case "sums": return SumOf(desk.Usage);
            case "discount": return Money.Format(desk.Usage.Sum(record => record.DiscountNanos));
            case "in-force": return List(((PolicyView)outcome.Answer!).Effective.Limits.Select(limit => $"{limit.Limit.Id}#{limit.No}"));
        }
        if (name.Split(':') is ["sums", var by, var value]) return SumOf(desk.Usage.Where(record => by switch
        {
            "outcome" => record.Usage.Success == (value == "success"),
            "tool" => record.Usage.Dimensions.Tool == value || record.Usage.Tools?.Contains(value) == true,
            "model" => record.Model == value,
            _ => throw new ArgumentException($"nothing is summed up by {by}"),
        }));
        var member = LimitMember().Match(name);
        var (id, key, what) = (member.Groups["id"].Value, member.Groups["key"].Value, member.Groups["what"].Value);
        if (what is "requested" or "retry")
        {
            var blocker = decision!.BlockedBy.Concat(decision.ShadowBlockedBy).Concat(decision.Warnings)
                .First(blocker => blocker.Limit.LimitId == id);
            return what == "requested" ? blocker.Requested.ToString() : blocker.RetryAfterSeconds?.ToString(CultureInfo.InvariantCulture)
                ?? "never";
        }
        var view = desk.View(id, key) ?? throw new ArgumentException($"no limit {name} in the status");
        return what switch
        {
            "" => $"{view.Settled}/{view.Held}",
            "amount" => view.Amount?.ToString() ?? "none",
            "remaining" => view.Remaining?.ToString() ?? "none",
            "used" => view.PercentUsed.ToString(CultureInfo.InvariantCulture),
            "committed" => view.PercentCommitted.ToString(CultureInfo.InvariantCulture),
            "status" => view.Status,
            "enforcement" => view.Enforcement.ToString().ToLowerInvariant(),
            "start" => view.WindowStart is { } start ? Text(start) : "none",
            "since" => view.CountedSince is { } since ? Text(since) : "none",
            "resets" => view.ResetsAt is { } resets ? Text(resets) : "never",
            _ => throw new ArgumentException($"no such check: {name}"),
        };
    }

    /// <summary>Input and output that a report shows of records.</summary>
    static string SumOf(IEnumerable<UsageRecord> records)
    {
        var told = records.Select(record => record.Told).ToArray();
        return $"{told.Sum(one => one.Input)}/{told.Sum(one => one.Output)}";
    }

    static string List(IEnumerable<string> items) => string.Join(',', items) is { Length: > 0 } list ? list : "none";

    static string Bool(bool value) => value ? "yes" : "no";

    static string Text(Instant instant) => InstantPattern.CreateWithInvariantCulture("yyyy-MM-dd'T'HH:mm:ss").Format(instant) is var text
        && text.EndsWith(":00", StringComparison.Ordinal) ? text[..^3] : text;

    static string Text(Suggestion suggestion) => suggestion.Action switch
    {
        "reduceMaxOutputTokens" => $"max:{suggestion.MaxOutputTokens}",
        "wait" => $"wait:{suggestion.Seconds}",
        "useModel" => $"use:{suggestion.Provider}/{suggestion.Model}:{suggestion.Cost}",
        _ => $"override:{suggestion.LimitId}:{suggestion.Additional}",
    };

    static Policy PolicyOf(List<string> words, out long? ifVersion)
    {
        var with = words.IndexOf("with");
        var settings = with < 0 ? [] : Named(words[(with + 1)..]);
        var limits = string.Join(' ', with < 0 ? words : words[..with])
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        ifVersion = Number(settings, "if");
        return new()
        {
            Limits = limits.Select(LimitOf).ToArray(),
            TimeZone = settings.GetValueOrDefault("zone"),
            WeekStart = settings.TryGetValue("week", out var week) ? Enum.Parse<IsoDayOfWeek>(week) : null,
            MonthAnchorDay = (int?)Number(settings, "anchor"),
            Currency = settings.GetValueOrDefault("currency"),
            Unpriced = settings.TryGetValue("fallback", out var fallback) ? new(UnpricedRule.Fallback, fallback) : null,
            Holds = settings.Keys.Any(key => key is "ttl" or "max" or "expiry")
                ? new(Number(settings, "ttl"), Number(settings, "max"), settings.TryGetValue("expiry", out var rule)
                    ? Enum.Parse<ExpiryRule>(rule, true) : null) : null,
            StatusLevels = settings.TryGetValue("levels", out var levels)
                ? new(Decimal(levels.Split(',')[0]), Decimal(levels.Split(',')[1]), Decimal(levels.Split(',')[2])) : null,
            Usage = settings.Keys.Any(key => key is "disputed" or "book")
                ? new(settings.TryGetValue("disputed", out var doubt) ? Enum.Parse<DisputedRule>(doubt, true) : null,
                    settings.TryGetValue("book", out var booked) ? Enum.Parse<PreferredCost>(booked, true) : null) : null,
            OverridesAllowed = settings.TryGetValue("overrides", out var allowed) ? allowed == "yes" : null,
            Discounts = settings.TryGetValue("volume", out var volume)
                ? new(new(VolumeMeasure.Tokens, [new(Decimal(volume.Split(':')[0]), Decimal(volume.Split(':')[1]))])) : null,
            YearStartMonth = (int?)Number(settings, "year"),
            DayStart = settings.GetValueOrDefault("day"),
            Adaptive = settings.Keys.Any(key => key is "measures" or "models" or "least")
                ? new(settings.TryGetValue("measures", out var measures) ? measures.Split(',', StringSplitOptions.RemoveEmptyEntries)
                    .Select(Measure).ToArray() : null,
                    settings.GetValueOrDefault("models")?.Split(','), Number(settings, "least")) : null,
        };
    }

    static readonly (string Word, DegradationMeasure Measure)[] measures =
        [("reduce", DegradationMeasure.ReduceMaxTokens), ("smaller", DegradationMeasure.UseSmallerModel),
            ("tools", DegradationMeasure.DisableTools), ("temperature", DegradationMeasure.ReduceTemperature)];

    static DegradationMeasure Measure(string word) => measures.Single(pair => pair.Word == word).Measure;

    static string Text(CallChanges changes) => string.Join(' ', new[]
    {
        string.Join('+', changes.Measures.Select(measure => measures.Single(pair => pair.Measure == measure).Word)),
        changes.Model is null ? "" : $"{changes.Provider}/{changes.Model}",
        changes.MaxOutputTokens is { } output ? $"max:{output}" : "",
        changes.DisableTools ? "no-tools" : "",
        changes.Temperature is { } temperature ? $"temperature:{temperature.ToString(CultureInfo.InvariantCulture)}" : "",
        changes.Saving is { } saving ? $"saves:{saving}" : "",
    }.Where(part => part.Length > 0));

    static Limit LimitOf(string text)
    {
        var words = Words().Matches(text).Select(match => match.Value).ToList();
        var kind = words[1].Split('/');
        string? After(string word) => words.IndexOf(word) is var at and >= 0 ? words[at + 1] : null;
        var matches = words.Select((word, at) => (word, at)).Where(pair => pair.word == "match")
            .Select(pair => words[pair.at + 1].Split('=')).ToList();
        return new()
        {
            Id = Id(words[0]),
            Unit = Unit(kind[0]),
            Window = Window(kind[1]),
            Amount = Amount(Unit(kind[0]), words[2]),
            Enforcement = words.Contains("soft") ? Enforcement.Soft : words.Contains("adaptive") ? Enforcement.Adaptive : Enforcement.Hard,
            Mode = words.Contains("shadow") ? LimitMode.Shadow : words.Contains("off") ? LimitMode.Off : LimitMode.Enforce,
            Each = After("each"),
            Grace = After("grace")?.Split('/') is [var percent, var minutes]
                ? new(Decimal(percent), long.Parse(minutes, CultureInfo.InvariantCulture)) : null,
            Match = matches.Count == 0 ? null : new(matches.ToDictionary(pair => pair[0], pair => pair[1])),
            Thresholds = After("at")?.Split(',').Select(ratio => new Threshold(Decimal(ratio), $"at {ratio}")).ToArray(),
        };
    }

    static Estimate EstimateOf(Dictionary<string, string> named) => new()
    {
        Dimensions = DimensionsOf(named),
        Tokens = Number(named, "tokens"),
        InputTokens = Number(named, "in"),
        MaxOutputTokens = Number(named, "max"),
        Answers = Number(named, "answers"),
        ToolTokens = Number(named, "tools"),
        Temperature = named.TryGetValue("temperature", out var temperature) ? Decimal(temperature) : null,
        CostNanos = Cost(named),
        ServiceTier = named.GetValueOrDefault("tier"),
        Parts = PartsOf(named),
    };

    static UsageParts? PartsOf(Dictionary<string, string> named) =>
        named.Keys.Any(key => key is "cached" or "searches" or "pages" or "pictures")
        ? new()
        {
            CachedInputTokens = Number(named, "cached") ?? 0, WebSearches = Number(named, "searches") ?? 0,
            Pages = Number(named, "pages") ?? 0, ImageOutputTokens = Number(named, "pictures") ?? 0,
        } : null;

    Usage UsageOf(List<string> words, Dictionary<string, string> named) => new()
    {
        Dimensions = DimensionsOf(named),
        InputTokens = Number(named, "in") ?? 0,
        OutputTokens = Number(named, "out") ?? 0,
        Requests = Number(named, "requests") ?? 1,
        CostNanos = Cost(named),
        Success = !words.Contains("failed"),
        Timestamp = named.TryGetValue("at", out var at) ? Moment(at) : null,
        Parts = PartsOf(named),
        TotalTokens = Number(named, "total"),
        Tools = named.TryGetValue("tools", out var tools) ? tools.Split(',') : null,
        ServiceTier = named.GetValueOrDefault("tier"),
        ReportedCost = named.TryGetValue("reported", out var reported) ? Decimal(reported) : null,
        Disputed = words.Contains("disputed") ? "`total_tokens` is 9, but the counts add up to 8" : null,
        Lines = named.TryGetValue("lines", out var lines) ? [.. lines.Split(',').Select(line => line.Split(':'))
            .Select(line => new UsageLine(line[0], long.Parse(line[1], CultureInfo.InvariantCulture),
                long.Parse(line[2], CultureInfo.InvariantCulture)))] : null,
    };

    static Dimensions DimensionsOf(Dictionary<string, string> named)
    {
        var tags = named.Where(pair => pair.Key.StartsWith("tag.", StringComparison.Ordinal)).ToDictionary(pair => pair.Key[4..], pair =>
            pair.Value);
        return new()
        {
            Orchestrator = named.GetValueOrDefault("orchestrator"),
            User = named.GetValueOrDefault("user"),
            Tenant = named.GetValueOrDefault("tenant"),
            Session = named.GetValueOrDefault("session"),
            Provider = named.GetValueOrDefault("provider"),
            Model = named.GetValueOrDefault("model"),
            Tool = named.GetValueOrDefault("tool"),
            Tags = tags.Count == 0 ? null : new(tags),
        };
    }

    static Dictionary<string, string> Named(IEnumerable<string> words) => words.Where(word => word.Contains('=', StringComparison.Ordinal))
        .Select(word => word.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(group => group.Key, group => group.Last()[1].Trim('"'));

    static string Id(string word) => word == "empty" ? "" : word;

    static long? Number(Dictionary<string, string> named, string key) => named.TryGetValue(key, out var text)
        ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    static long? Cost(Dictionary<string, string> named) => named.TryGetValue("cost", out var text)
        ? (long)Amount(LimitUnit.Cost, text)!.Value : null;

    static decimal Decimal(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);

    static Int128? Amount(LimitUnit unit, string text) => text == "none" ? null
        : unit != LimitUnit.Cost ? Int128.Parse(text, CultureInfo.InvariantCulture)
        : (Int128)(Decimal(text) * Money.NanosPerUnit);

    static LimitUnit Unit(string text) => Enum.Parse<LimitUnit>(text, true);

    static Window Window(string text) => Core.Window.TryParse(text, out var window)
        ? window : throw new ArgumentException($"no such window: {text}");

    static Instant Time(string text) => text.Length > 10
        ? InstantPattern.CreateWithInvariantCulture(text.Length > 16 ? "yyyy-MM-dd'T'HH:mm:ss" : "yyyy-MM-dd'T'HH:mm").Parse(text).Value
        : InstantPattern.CreateWithInvariantCulture("yyyy-MM-dd").Parse(text).Value;

    /// <summary>A span from now (`2h`, `-1d`) or an instant.</summary>
    Instant Moment(string text) => text.Contains('T', StringComparison.Ordinal) ? Time(text)
        : text[0] == '-' ? desk.Now - Span(text[1..]) : desk.Now + Span(text);

    static Duration Span(string text)
    {
        var count = long.Parse(text[..^1], CultureInfo.InvariantCulture);
        return text[^1] switch
        {
            's' => Duration.FromSeconds(count),
            'm' => Duration.FromMinutes(count),
            'h' => Duration.FromHours(count),
            'd' => Duration.FromDays(count),
            _ => throw new ArgumentException($"no such span: {text}"),
        };
    }

    [GeneratedRegex("""(?:[^\s"]|"[^"]*")+""")]
    internal static partial Regex Words();

    [GeneratedRegex(@"^(?<id>[^\[\].]+)(\[(?<key>[^\]]*)\])?(\.(?<what>\w+))?$")]
    internal static partial Regex LimitMember();
}
