// Whether a command makes sense at all, before anything is looked up. The field in the answer is the one the caller sent.
using NodaTime;

namespace Purser.Core;

public static class Validity
{
    public const int LongestId = 200;
    public const int LongestName = 200;
    public const int MostTags = 50;
    public const int LongestText = 256 * 1024;
    public const int LongestReason = 2000;
    public const int MostLimits = 200;
    public const int LargestPage = 1000;
    public const int MostAnswers = 10_000;
    public const long ShortestTtlSeconds = 1;
    public const long LongestTtlSeconds = 24 * 3600;
    public const decimal LargestUnits = 1_000_000_000_000m;

    /// <summary>Records far outside of any real use are mistakes (seconds taken for milliseconds), not history.</summary>
    static readonly Instant earliest = Instant.FromUtc(2000, 1, 1, 0, 0);
    static readonly Duration farthestAhead = Duration.FromDays(366);

    /// <summary>1-200 letters, digits and `. _ - : @`, not only dots.</summary>
    public static bool IsAccountId(string? id)
    {
        if (id is null or { Length: 0 or > LongestId }) return false;
        var onlyDots = true;
        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-' or ':' or '@')) return false;
            onlyDots &= c == '.';
        }
        return !onlyDots;
    }

    /// <summary>What a command to an account of another id is answered.</summary>
    public static readonly Outcome WrongAccount =
        Outcome.Invalid("account", "must be 1 to 200 letters, digits and . _ - : @, not only dots");

    public static Outcome? Problem(BudgetCommand command, Instant now) => command switch
    {
        Check check => Problem(check.Estimate),
        Reserve reserve => OwnId(reserve.Id) ?? Ttl(reserve.TtlSeconds) ?? (reserve.From is { } from ? Id("from", from) : null)
            ?? Problem(reserve.Estimate),
        Extend extend => Id("reservationId", extend.ReservationId) ?? OwnId(extend.Id) ?? Ttl(extend.TtlSeconds)
            ?? (extend.Estimate is null ? null : Problem(extend.Estimate))
            ?? (extend is { TtlSeconds: null, Estimate: null }
                ? Outcome.Invalid("ttlSeconds", "give `ttlSeconds`, or an amount to add, or both") : null),
        Settle settle => Id("reservationId", settle.ReservationId) ?? OwnId(settle.Id) ?? Problem(settle.Usage, now)
            ?? (settle is { Unknown: true, Final: false } ? Outcome.Invalid("final", "an unknown outcome ends the hold; leave `final` out")
                : null),
        Record { Booked: { } booked } import => Problem(import.Id, booked, now),
        Record record => OwnId(record.Id) ?? Problem(record.Usage, now),
        Reprice reprice => Id("id", reprice.UsageId) ?? Text("by", reprice.ChangedBy, LongestName)
            ?? Text("reason", reprice.Reason, LongestReason),
        VoidUsage taken => Id("id", taken.UsageId) ?? Decided(taken.By, taken.Reason),
        CorrectUsage correct => Id("id", correct.UsageId) ?? Decided(correct.By, correct.Reason) ?? Problem(correct.Usage, now),
        Credit credit => OwnId(credit.Id) ?? Problem(credit.Terms, now),
        RefuseSettle refuse => Id("reservationId", refuse.ReservationId),
        Release release => Id("reservationId", release.ReservationId),
        AddOverride add => OwnId(add.Id) ?? Problem(add.Terms, now),
        SetPolicy set => Problem(set.Policy) ?? Actor(set.By, set.Reason),
        Pause pause => Actor(pause.By, pause.Reason),
        Resume resume => Actor(resume.By, resume.Reason),
        RemoveOverride remove => Id("id", remove.Id) ?? Actor(remove.RemovedBy, remove.Reason),
        GetReservation get => Id("id", get.Id),
        EraseUsage erase => Text("user", erase.User, LongestName) ?? Actor(erase.By, erase.Reason),
        CloseSession close => Id("session", close.Session),
        GetStatus { PageSize: < 1 or > LargestPage } or GetStatus { Holds: < 0 or > LargestPage } =>
            Outcome.Invalid("limit", $"must be 1 to {LargestPage}"),
        _ => null,
    };

    static Outcome? Actor(string? by, string? reason) => Text("by", by, LongestName) ?? Text("reason", reason, LongestReason);

    /// <summary>Whether a policy can be kept; also used for the default one.</summary>
    public static Outcome? Problem(Policy policy)
    {
        if (policy.TimeZone is { } zone && TimeZones.Find(zone) is null)
            return Outcome.Invalid("timeZone", $"'{Shown(zone)}' is not an IANA time zone, such as Europe/Berlin");
        if (policy.WeekStart is < IsoDayOfWeek.Monday or > IsoDayOfWeek.Sunday)
            return Outcome.Invalid("weekStart", "must be a day of the week");
        if (policy.YearStartMonth is < 1 or > 12) return Outcome.Invalid("yearStartMonth", "must be 1 (January) to 12");
        if (policy.DayStart is { } dayStart && DayStarts.Of(dayStart) is null)
            return Outcome.Invalid("dayStart", "must be a local time of day such as 04:00");
        if (policy.MonthAnchorDay is < 1 or > 31) return Outcome.Invalid("monthAnchorDay", "must be 1 to 31");
        if (policy.Currency is { } currency && !Currencies.IsKnown(currency))
            return Outcome.Invalid("currency", "must be a three-letter code of ISO 4217, such as USD");
        if (policy.Discounts is { } discounts && Problem(discounts) is { } badDiscount) return badDiscount;
        if (policy.Unpriced is { Rule: UnpricedRule.Fallback, Fallback: null })
            return Outcome.Invalid("unpriced.fallback", "the rule `fallback` needs the model whose price is used");
        if (Ttl(policy.Holds?.DefaultTtlSeconds, "holds.defaultTtlSeconds") is { } ttl) return ttl;
        if (Tokens("holds.defaultMaxOutputTokens", policy.Holds?.DefaultMaxOutputTokens) is { } output) return output;
        if (policy.StatusLevels is { } levels && !(levels.Warning > 0 && levels.Warning <= levels.Critical
            && levels.Critical <= levels.Exceeded && levels.Exceeded <= 100))
            return Outcome.Invalid("statusLevels", "must be ratios with 0 < warning <= critical <= exceeded <= 100");
        if (policy.Adaptive is { } adaptive && Problem(adaptive) is { } degrading) return degrading;
        if (policy.Anomalies is { } anomalies && Problem(anomalies) is { } wrong) return wrong;
        if (policy.Limits.Count > MostLimits) return Outcome.Invalid("limits", $"at most {MostLimits} limits in a policy");
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < policy.Limits.Count; i++)
        {
            if (Problem(policy.Limits[i], $"limits[{i}]") is { } problem) return problem;
            if (!ids.Add(policy.Limits[i].Id)) return Outcome.Invalid($"limits[{i}].id", $"'{policy.Limits[i].Id}' is used twice");
        }
        return null;
    }

    static Outcome? Problem(AdaptiveSettings adaptive)
    {
        if (adaptive.Measures is { } measures)
            for (var i = 0; i < measures.Count; i++)
            {
                if (!Enum.IsDefined(measures[i])) return Outcome.Invalid($"adaptive.measures[{i}]", "is not a measure");
                if (measures.Take(i).Contains(measures[i])) return Outcome.Invalid($"adaptive.measures[{i}]", "is named twice");
            }
        if (adaptive.FallbackModels is { } models)
        {
            if (models.Count > DegradationRules.MostFallbackModels)
                return Outcome.Invalid("adaptive.fallbackModels", $"at most {DegradationRules.MostFallbackModels} models");
            for (var i = 0; i < models.Count; i++)
                if ((models[i] is null ? Outcome.Invalid("", "must be a model") : Name("", models[i])) is { } name)
                    return name with { Field = $"adaptive.fallbackModels[{i}]" };
        }
        return adaptive.MinOutputTokens is < 1 or > Amounts.LargestTokens
            ? Outcome.Invalid("adaptive.minOutputTokens", $"must be a whole number from 1 to {Amounts.LargestTokens}") : null;
    }

    static Outcome? Problem(AnomalySettings anomalies)
    {
        foreach (var detector in anomalies.Detectors ?? [])
            if (!AnomalySettings.AllDetectors.Contains(detector))
                return Outcome.Invalid("anomalies.detectors",
                    $"'{Shown(detector)}' is not a detector; there are {string.Join(", ", AnomalySettings.AllDetectors)}");
        foreach (var (name, threshold) in anomalies.Thresholds ?? [])
        {
            if (!AnomalySettings.UsualThresholds.ContainsKey(name))
                return Outcome.Invalid($"anomalies.thresholds.{Shown(name)}",
                    $"is not a threshold; there are {string.Join(", ", AnomalySettings.UsualThresholds.Keys)}");
            if (name == "errorRate" ? threshold is <= 0 or >= 1 : threshold is <= 0 or > 1000)
                return Outcome.Invalid($"anomalies.thresholds.{name}", name == "errorRate" ? "must be a share of calls between 0 and 1"
                    : "must be above 0 and at most 1000");
        }
        if (anomalies.WindowSize is < AnomalySettings.LeastWindowSize or > AnomalySettings.LargestWindowSize)
            return Outcome.Invalid("anomalies.windowSize",
                $"must be a number of hours from {AnomalySettings.LeastWindowSize} to {AnomalySettings.LargestWindowSize}");
        if (anomalies.MinDataPoints is < 1 or > AnomalySettings.MostDataPoints)
            return Outcome.Invalid("anomalies.minDataPoints", $"must be a number of calls from 1 to {AnomalySettings.MostDataPoints}");
        return null;
    }

    static Outcome? Problem(Limit limit, string at)
    {
        if (Id($"{at}.id", limit.Id) is { } id) return id;
        if (Text($"{at}.name", limit.Name, LongestName) is { } name) return name;
        if (limit.Unit is < LimitUnit.Tokens or > LimitUnit.Requests) return Outcome.Invalid($"{at}.unit", "is not a unit");
        if (!limit.Window.IsPossible)
            return Outcome.Invalid($"{at}.window", "is not a window; rolling ones are whole seconds from PT1M to P400D");
        if (limit.Enforcement is < Enforcement.Soft or > Enforcement.Hard)
            return Outcome.Invalid($"{at}.enforcement", "must be hard, soft or adaptive");
        if (limit.Mode is < LimitMode.Enforce or > LimitMode.Off) return Outcome.Invalid($"{at}.mode", "must be enforce, shadow or off");
        if (limit.Amount < 0) return Outcome.Invalid($"{at}.amount", "must not be negative; 0 allows nothing, null is unlimited");
        if (limit.Amount > Largest(limit.Unit))
            return Outcome.Invalid($"{at}.amount", $"must be at most {new Quantity(limit.Unit, Largest(limit.Unit))}; null is unlimited");
        if (limit.Each is { } each && !Dimensions.IsName(each)) return Outcome.Invalid($"{at}.each", NotADimension(each));
        if (limit is { Window.Kind: WindowKind.Session, Each: not (null or "session") })
            return Outcome.Invalid($"{at}.each", "a session window is counted per session already; leave `each` out");
        foreach (var (dimension, pattern) in limit.Match ?? [])
        {
            if (!Dimensions.IsName(dimension)) return Outcome.Invalid($"{at}.match.{Shown(dimension)}", NotADimension(dimension));
            if (pattern.Length is 0 or > LongestName)
                return Outcome.Invalid($"{at}.match.{dimension}", $"must be a value or a glob of 1 to {LongestName} characters");
        }
        if (limit.Grace is { } grace)
        {
            if (limit.Enforcement != Enforcement.Hard || limit.Window.Kind is WindowKind.Request or WindowKind.Rolling)
                return Outcome.Invalid($"{at}.grace", "is for hard limits whose window has a beginning: neither request nor rolling");
            if (grace.Percent is <= 0 or > 100) return Outcome.Invalid($"{at}.grace.percent", "must be above 0 and at most 100");
            if (grace.Minutes is < 1 or > 44_640) return Outcome.Invalid($"{at}.grace.minutes", "must be 1 to 44640, which is 31 days");
        }
        if (limit.Thresholds is { } thresholds)
        {
            if (thresholds.Count > 32) return Outcome.Invalid($"{at}.thresholds", "at most 32 thresholds");
            for (var i = 0; i < thresholds.Count; i++)
            {
                if (thresholds[i].Ratio is <= 0 or > 100)
                    return Outcome.Invalid($"{at}.thresholds[{i}].ratio", "must be above 0 and at most 100 (1 is the limit itself)");
                if (thresholds[i].Level is not { Length: > 0 and <= LongestName })
                    return Outcome.Invalid($"{at}.thresholds[{i}].level", $"must be 1 to {LongestName} characters");
                if (i > 0 && thresholds[i].Ratio <= thresholds[i - 1].Ratio)
                    return Outcome.Invalid($"{at}.thresholds[{i}].ratio", "thresholds must ascend");
            }
        }
        return null;
    }

    static Outcome? Problem(Estimate estimate)
    {
        if (Problem(estimate.Dimensions) is { } dimensions) return dimensions;
        if (estimate is { Tokens: not null, InputTokens: not null } or { Tokens: not null, MaxOutputTokens: not null })
            return Outcome.Invalid("tokens", "give either `tokens`, or `inputTokens` with `maxOutputTokens`");
        return Tokens("tokens", estimate.Tokens) ?? Tokens("inputTokens", estimate.InputTokens)
            ?? Tokens("maxOutputTokens", estimate.MaxOutputTokens)
            ?? (estimate.Answers is < 1 or > MostAnswers ? Outcome.Invalid("answers", $"must be 1 to {MostAnswers}") : null)
            ?? Tokens("toolTokens", estimate.ToolTokens) ?? Cost(estimate.CostNanos)
            ?? (estimate.ToolTokens > (estimate.Tokens ?? estimate.InputTokens ?? 0)
                ? Outcome.Invalid("toolTokens", "are a part of the input and can not exceed it") : null)
            ?? Terms(estimate.ServiceTier, estimate.Region, estimate.Speed)
            ?? (estimate.Parts is { } parts ? Counts(parts, Amounts.LargestTokens) : null)
            ?? (estimate.Lines is { } lines ? Problem(lines, "lines", Amounts.LargestTokens) : null)
            ?? (estimate.Temperature is < 0 or > 10 ? Outcome.Invalid("temperature", "must be 0 to 10") : null);
    }

    /// <summary>Whether a usage makes sense; <paramref name="most"/> is how many of a kind of token one call may have.</summary>
    public static Outcome? Problem(Usage usage, Instant now, long most = Amounts.LargestTokens)
    {
        if (Problem(usage.Dimensions) is { } dimensions) return dimensions;
        var simple = Tokens("inputTokens", usage.InputTokens, most) ?? Tokens("outputTokens", usage.OutputTokens, most)
            ?? Tokens("requests", usage.Requests, most)
            ?? Cost(usage.CostNanos) ?? Tokens("durationMs", usage.DurationMs) ?? Text("error", usage.Error, LongestText)
            ?? Text("requestId", usage.RequestId, LongestName) ?? Text("toolCallId", usage.ToolCallId, LongestName)
            ?? Terms(usage.ServiceTier, usage.Region, usage.Speed) ?? Text("metadata", usage.Metadata, LongestText)
                ?? Text("raw", usage.Raw, LongestText);
        if (simple is not null) return simple;
        if (usage.Timestamp is { } at && (at < earliest || at > now + farthestAhead))
            return Outcome.Invalid("timestamp", "must lie between the year 2000 and a year from now");
        if (usage.Tools is { } tools
            && (tools.Count > 100 || tools.Any(tool => tool is not { Length: > 0 and <= LongestName } || !IsPlain(tool))))
            return Outcome.Invalid("tools", $"at most 100 names of 1 to {LongestName} characters without control characters");
        if (usage.TotalTokens is not null && (usage.InputTokens != 0 || usage.OutputTokens != 0))
            return Outcome.Invalid(
                "totalTokens", "is for usage that is not told apart; give it alone, or `inputTokens` and `outputTokens`");
        if (Tokens("totalTokens", usage.TotalTokens, most) is { } total) return total;
        if (usage.ReportedCost is < 0 or > Money.Largest) return Outcome.Invalid("reportedCost", $"must be from 0 to {Money.Largest}");
        if (usage.Lines is { } lines && Problem(lines, "raw", most) is { } ofLine) return ofLine;
        return usage.Parts is { } parts ? Problem(parts, usage, most) : null;
    }

    static Outcome? Problem(IReadOnlyList<UsageLine> lines, string field, long most)
    {
        if (lines.Count > MostLines) return Outcome.Invalid(field, $"holds the calls of more than {MostLines} models");
        foreach (var line in lines)
            if ((Name(field, line.Model) ?? Tokens(field, line.InputTokens, most) ?? Tokens(field, line.OutputTokens, most)
                ?? (line.Parts is { } own ? Problem(own, new() { InputTokens = line.InputTokens, OutputTokens = line.OutputTokens },
                    most) : null)) is { } wrong)
                return wrong with { Field = field };
        return null;
    }

    /// <summary>More calls of other models inside of one are put together by their model.</summary>
    public const int MostLines = 16;

    /// <summary>Each count by itself, and what a search's context may be.</summary>
    static Outcome? Counts(UsageParts parts, long most)
    {
        foreach (var (name, of) in UsageParts.TokenCounts)
            if (Tokens(name, of(parts), most) is { } wrong) return wrong;
        foreach (var (name, of) in UsageParts.UnitCounts)
            if (Units(name, of(parts)) is { } wrong) return wrong;
        return parts.WebSearchContext is not (null or "low" or "medium" or "high")
            ? Outcome.Invalid("webSearchContext", "must be low, medium or high") : null;
    }

    static Outcome? Problem(UsageParts parts, Usage usage, long most)
    {
        if (Counts(parts, most) is { } problem) return problem;
        if ((Int128)parts.CachedAudioInputTokens + parts.CachedImageInputTokens > parts.CachedInputTokens)
            return Outcome.Invalid("cachedInputTokens", "is less than the cached sound and images, which are parts of it");
        var input = (Int128)parts.CachedInputTokens + parts.CacheWrite5mTokens + parts.CacheWrite1hTokens
            + parts.AudioInputTokens + parts.ImageInputTokens + parts.VideoInputTokens;
        if (input > usage.InputTokens)
            return Outcome.Invalid("inputTokens", $"the parts of the input add up to {input}, more than the total of {usage.InputTokens}");
        var output = (Int128)parts.ReasoningTokens + parts.AudioOutputTokens + parts.ImageOutputTokens + parts.VideoOutputTokens;
        return output > usage.OutputTokens
            ? Outcome.Invalid("outputTokens", $"the parts of the output add up to {output}, more than the total of {usage.OutputTokens}")
                : null;
    }

    static Outcome? Problem(OverrideTerms terms, Instant now)
    {
        if (terms.LimitId is null && (terms.Window is null || terms.Unit is null))
            return Outcome.Invalid("limitId", "name a limit, or both `window` and `unit`");
        if (terms.LimitId is not null && (terms.Window is not null || terms.Unit is not null))
            return Outcome.Invalid("limitId", "name a limit, or `window` and `unit`, not both");
        if (terms.Window is { IsPossible: false }) return Outcome.Invalid("window", "is not a window");
        if (terms.Additional is < -Money.LargestNanos or > Money.LargestNanos)
            return Outcome.Invalid("additional", $"must be at most {Money.LargestNanos} of the smallest unit");
        if (terms.Additional == 0) return Outcome.Invalid("additional", "must not be 0");
        if (terms.Additional < 0 && !terms.Cut)
            return Outcome.Invalid("additional", "is negative: say `\"cut\": true` if the limit is to be lowered");
        if (terms.Additional > 0 && terms.Cut) return Outcome.Invalid("cut", "a cut needs a negative `additional`");
        if (string.IsNullOrWhiteSpace(terms.Reason)) return Outcome.Invalid("reason", "is required");
        if (string.IsNullOrWhiteSpace(terms.CreatedBy)) return Outcome.Invalid("by", "is required");
        if (terms.ExpiresAt <= now) return Outcome.Invalid("expiresAt", "must lie in the future");
        if (terms.StartsAt >= terms.ExpiresAt) return Outcome.Invalid("startsAt", "must lie before `expiresAt`");
        return Text("reason", terms.Reason, LongestReason) ?? Text("by", terms.CreatedBy, LongestName)
            ?? Text("key", terms.Key, LongestName) ?? Text("metadata", terms.Metadata, LongestText);
    }

    static Outcome? Problem(Dimensions dimensions)
    {
        if (dimensions == Dimensions.None) return null;
        if ((Name("orchestrator", dimensions.Orchestrator) ?? Name("user", dimensions.User) ?? Name("tenant", dimensions.Tenant)
            ?? Name("session", dimensions.Session) ?? Name("provider", dimensions.Provider) ?? Name("model", dimensions.Model)
            ?? Name("tool", dimensions.Tool)) is { } named) return named;
        if (dimensions.Tags is not { } tags) return null;
        if (tags.Count > MostTags) return Outcome.Invalid("tags", $"at most {MostTags} tags");
        foreach (var (tag, value) in tags)
            if (tag.Length is 0 or > 100 || !IsPlain(tag) || value is not { Length: <= LongestName } || !IsPlain(value))
                return Outcome.Invalid(
                    "tags", $"names of 1 to 100 and values of up to {LongestName} characters, without control characters");
        return null;
    }

    internal static Outcome? Name(string field, string? name) => name is null || (name.Length is > 0 and <= LongestName && IsPlain(name))
        ? null : Outcome.Invalid(field, $"must be 1 to {LongestName} characters without control characters");

    static Outcome? Id(string field, string? id) => id is { Length: > 0 and <= LongestId } && IsPlain(id)
        ? null : Outcome.Invalid(field, $"must be 1 to {LongestId} characters without control characters");

    /// <summary>No control characters, and no halves of surrogate pairs: those could not be stored as they are.</summary>
    static bool IsPlain(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return true;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i])) return false;
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsSurrogatePair(text, i)) return false;
            i++;
        }
        return true;
    }

    /// <summary>Records that the budget books by itself have ids that begin so; callers can not take them.</summary>
    public const string ReservedIdPrefix = "expiry:";

    /// <summary>The same for what takes a charge back that turned out to belong to other dimensions.</summary>
    public const string ReversalIdPrefix = "reversal:";

    /// <summary>The same for what a record costs more or less since it was rated anew.</summary>
    public const string RepricedIdPrefix = "repriced:";

    /// <summary>The same for what another model did inside of a call.</summary>
    public const string LineIdPrefix = "line:";

    public static string LineId(string usageId, int number) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{LineIdPrefix}{number}:{usageId}");

    /// <summary>The same for what takes a record back, and for what says what it really used.</summary>
    public const string VoidIdPrefix = "void:";
    public const string CorrectionIdPrefix = "corrected:";

    static readonly string[] reservedPrefixes =
        [ReservedIdPrefix, ReversalIdPrefix, RepricedIdPrefix, LineIdPrefix, VoidIdPrefix, CorrectionIdPrefix];

    /// <summary>Who decided something about money, and why.</summary>
    static Outcome? Decided(string by, string reason) =>
        string.IsNullOrWhiteSpace(by) ? Outcome.Invalid("by", "is required")
        : string.IsNullOrWhiteSpace(reason) ? Outcome.Invalid("reason", "is required")
        : Text("by", by, LongestName) ?? Text("reason", reason, LongestReason);

    /// <summary>A record of another ledger. Only what is about another record, or belongs to a call, has an id of the budget's
    /// own.</summary>
    static Outcome? Problem(string id, UsageRecord booked, Instant now)
    {
        var own = booked.IsAdjusting || booked.LineOf is not null || booked.Kind is RecordKind.Expired or RecordKind.Unknown;
        if ((own ? Id("id", id) : OwnId(id)) is { } wrongId) return wrongId;
        if (!Enum.IsDefined(booked.Kind)) return Outcome.Invalid("kind", "is not a kind of record");
        if (booked.At < earliest || booked.At > now + farthestAhead)
            return Outcome.Invalid("timestamp", "must lie between the year 2000 and a year from now");
        foreach (var unit in Enum.GetValues<LimitUnit>())
        {
            var amount = booked.Amounts.Of(unit);
            if (Int128.Abs(amount) > Largest(unit)) return Outcome.Invalid(FieldOf(unit), "is more than a record can have");
            if (amount < 0 && !booked.IsAdjusting)
                return Outcome.Invalid(FieldOf(unit), "is below 0, which only what is about another record may be (see `kind`)");
        }
        if (booked.ShownOutputTokens is { } shown && (!booked.IsAdjusting || Int128.Abs(shown) > Amounts.LargestTokens))
            return Outcome.Invalid("shownOutputTokens", "is more than a record can have, or of one that is about no other");
        if (!Currencies.IsKnown(booked.Currency))
            return Outcome.Invalid("currency", "must be a three-letter code of ISO 4217, such as USD");
        return Problem(booked.IsAdjusting ? booked.Usage with { Parts = null } : booked.Usage, now)
            ?? (booked.Corrects is { } other ? Id("corrects", other) : null) ?? (booked.LineOf is { } call ? Id("lineOf", call) : null)
            ?? Text("priceVersion", booked.PriceVersion, LongestName) ?? Text("correctedBy", booked.CorrectedBy, LongestName)
            ?? Text("reason", booked.Reason, LongestReason) ?? Text("reference", booked.Reference, LongestName)
            ?? Text("reservationId", booked.ReservationId, LongestId) ?? Text("priceCost", booked.PriceCost, LongestName)
            ?? Text("canonicalModel", booked.CanonicalModel, LongestName)
            ?? Text("canonicalProvider", booked.CanonicalProvider, LongestName)
            ?? (booked.Lines?.Count > MostLines ? Outcome.Invalid("lines", $"at most {MostLines}") : null);
    }

    static string FieldOf(LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => "totalTokens",
        _ => Names.Of(unit),
    };

    static Outcome? Problem(CreditTerms terms, Instant now)
    {
        if (Decided(terms.By, terms.Reason) is { } decided) return decided;
        if (terms.Amount <= 0 || terms.Amount > Largest(terms.Unit)) return Outcome.Invalid("amount", "must be above 0: it is given back");
        if (terms.Unit is < LimitUnit.Tokens or > LimitUnit.Requests) return Outcome.Invalid("unit", "is not a unit");
        if (terms.UsageId is not null && (terms.Dimensions != Dimensions.None || terms.At is not null))
            return Outcome.Invalid("usageId", "says what and when it was; leave out dimensions and `timestamp`");
        if (terms.At is { } at && (at < earliest || at > now))
            return Outcome.Invalid("timestamp", "must lie between the year 2000 and now");
        return (terms.UsageId is null ? null : Id("usageId", terms.UsageId)) ?? Problem(terms.Dimensions)
            ?? Text("reference", terms.Reference, LongestName);
    }

    /// <summary>An id that a caller makes up: it can be named in a path, and is not one that the budget gives by itself.</summary>
    static Outcome? OwnId(string? id)
    {
        if (Id("id", id) is { } wrong) return wrong;
        foreach (var prefix in reservedPrefixes)
            if (NotBeginning(id!, prefix) is { } reserved)
                return reserved;
        return id!.AsSpan().ContainsAnyExcept('.') ? null
            : Outcome.Invalid("id", "must not be dots alone: it could not be named in a path");
    }

    static Outcome? NotBeginning(string id, string prefix) =>
        id.StartsWith(prefix, StringComparison.Ordinal) ? Outcome.Invalid("id", $"must not begin with '{prefix}'") : null;

    static Outcome? Ttl(long? seconds, string field = "ttlSeconds") => seconds is < ShortestTtlSeconds or > LongestTtlSeconds
        ? Outcome.Invalid(field, $"must be {ShortestTtlSeconds} to {LongestTtlSeconds} seconds") : null;

    static Outcome? Tokens(string field, long? count, long most = Amounts.LargestTokens) => count < 0 || count > most
        ? Outcome.Invalid(field, $"must be a whole number from 0 to {most}") : null;

    static Outcome? Units(string field, decimal count) => count is < 0 or > LargestUnits
        ? Outcome.Invalid(field, $"must be a number from 0 to {LargestUnits}") : null;

    static Outcome? Cost(long? nanos) => nanos is < 0 or > Money.LargestNanos
        ? Outcome.Invalid("cost", $"must be from 0 to {Money.Format(Money.LargestNanos)}") : null;

    static Int128 Largest(LimitUnit unit) => unit == LimitUnit.Cost ? Money.LargestNanos : Amounts.LargestTokens;

    internal static Outcome? Text(string field, string? text, int longest) => text is null ? null
        : text.Length > longest ? Outcome.Invalid(field, $"must not be longer than {longest} characters")
        : text.Contains('\0') ? Outcome.Invalid(field, "must not contain the NUL character, which can not be stored") : null;

    /// <summary>An id that somebody else made up, such as a provider for its answer; null where it can not be kept.</summary>
    public static string? IdOrNull(string? id) => id is not null && Id("", id) is null ? id : null;

    /// <summary>The beginning of a text of somebody else's, with what can be kept of it.</summary>
    public static string Beginning(string text, int longest)
    {
        var end = text.Length <= longest ? text.Length : char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest;
        return text[..end].Replace('\0', '\uFFFD');
    }

    static Outcome? Terms(string? serviceTier, string? region, string? speed) =>
        (serviceTier is not null && !ServiceTiers.TryParse(serviceTier, out _)
            ? Outcome.Invalid("serviceTier", $"'{Shown(serviceTier)}' is not a service tier; there are {ServiceTiers.Known}") : null)
        ?? Text("region", region, LongestName) ?? Text("speed", speed, LongestName);

    const int MostTiers = 50;
    const int MostNegotiated = 200;
    const int MostRates = 5000;

    static Outcome? Problem(Discounts discounts)
    {
        if (discounts.Volume is { } volume)
        {
            if (volume.Measure is < VolumeMeasure.Tokens or > VolumeMeasure.Cost)
                return Outcome.Invalid("discounts.volume.measure", "must be tokens or cost");
            if (Problem(volume.Tiers, "discounts.volume.tiers") is { } tiers) return tiers;
        }
        if (discounts.Batch is { } batch && Problem(batch, "discounts.batch") is { } wrong) return wrong;
        if (discounts.Negotiated is not { } negotiated) return null;
        if (negotiated.Count > MostNegotiated) return Outcome.Invalid("discounts.negotiated", $"at most {MostNegotiated} prices");
        for (var i = 0; i < negotiated.Count; i++)
        {
            var at = $"discounts.negotiated[{i}]";
            if (negotiated[i].Multiplier is < 0 or > 1000) return Outcome.Invalid($"{at}.multiplier", "must be 0 to 1000");
            foreach (var (dimension, pattern) in negotiated[i].Match ?? [])
            {
                if (!Dimensions.IsName(dimension)) return Outcome.Invalid($"{at}.match.{Shown(dimension)}", NotADimension(dimension));
                if (pattern.Length is 0 or > LongestName)
                    return Outcome.Invalid($"{at}.match.{dimension}", $"must be a value or a glob of 1 to {LongestName} characters");
            }
        }
        return null;
    }

    static Outcome? Problem(IReadOnlyList<DiscountTier> tiers, string at)
    {
        if (tiers.Count > MostTiers) return Outcome.Invalid(at, $"at most {MostTiers} tiers");
        for (var i = 0; i < tiers.Count; i++)
        {
            if (tiers[i].Above is < 0 or > Amounts.LargestTokens) return Outcome.Invalid($"{at}[{i}].above", "must not be negative");
            if (tiers[i].Discount is <= 0 or > 1)
                return Outcome.Invalid($"{at}[{i}].discount", "must be above 0 and at most 1, which is everything");
            if (i > 0 && tiers[i].Above <= tiers[i - 1].Above) return Outcome.Invalid($"{at}[{i}].above", "tiers must ascend");
        }
        return null;
    }

    internal static Outcome? Problem(ExchangeRates rates)
    {
        if (!Currencies.IsKnown(rates.Base)) return Outcome.Invalid("base", "must be a three-letter code of ISO 4217, such as USD");
        if (rates.Rates.Count > MostRates) return Outcome.Invalid("rates", $"at most {MostRates} rates");
        var seen = new HashSet<(string, Instant)>();
        for (var i = 0; i < rates.Rates.Count; i++)
        {
            var rate = rates.Rates[i];
            if (!Currencies.IsKnown(rate.Currency))
                return Outcome.Invalid($"rates[{i}].currency", "must be a three-letter code of ISO 4217, such as EUR");
            if (rate.Currency == rates.Base) return Outcome.Invalid($"rates[{i}].currency", "is the base, of which one unit is one unit");
            if (rate.Rate is <= 0 or > 1_000_000_000m || rate.Rate.Scale > 12)
                return Outcome.Invalid($"rates[{i}].rate", "must be above 0, at most 1000000000, with at most 12 decimals");
            if (!seen.Add((rate.Currency, rate.EffectiveFrom)))
                return Outcome.Invalid($"rates[{i}].effectiveFrom", "this currency has another rate from this instant on");
        }
        return null;
    }

    static string NotADimension(string name) =>
        $"'{Shown(name)}' is not a dimension; use {string.Join(", ", Dimensions.Names)} or tags.NAME";

    static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
