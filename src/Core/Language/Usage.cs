// What a call really used, as it is reported, and the record of it that is kept.
using System.Collections.Immutable;
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Core;

/// <summary>
/// Kinds of tokens inside the totals, and units beside them. The parts of the input do not overlap, nor do those of the output; both
/// totals include them. Units (seconds, pages, searches) are priced one by one.
/// </summary>
public sealed record UsageParts
{
    public long CachedInputTokens { get; init; }

    /// <summary>Of the cached ones: those that are sound, or images, which some models price apart.</summary>
    public long CachedAudioInputTokens { get; init; }
    public long CachedImageInputTokens { get; init; }
    public long CacheWrite5mTokens { get; init; }
    public long CacheWrite1hTokens { get; init; }
    public long AudioInputTokens { get; init; }
    public long ImageInputTokens { get; init; }
    public long VideoInputTokens { get; init; }
    public long ReasoningTokens { get; init; }
    public long AudioOutputTokens { get; init; }
    public long ImageOutputTokens { get; init; }
    public long VideoOutputTokens { get; init; }
    public long CitationTokens { get; init; }
    public decimal Queries { get; init; }
    public decimal Sessions { get; init; }
    public decimal ImagesIn { get; init; }
    public decimal ImagesOut { get; init; }
    public decimal CharactersIn { get; init; }
    public decimal CharactersOut { get; init; }
    public decimal AudioSecondsIn { get; init; }
    public decimal AudioSecondsOut { get; init; }
    public decimal VideoSecondsIn { get; init; }
    public decimal VideoSecondsOut { get; init; }
    public decimal Pages { get; init; }
    public decimal AnnotatedPages { get; init; }
    public decimal WebSearches { get; init; }
    public string? WebSearchContext { get; init; }

    /// <summary>The kinds of tokens by the names that callers give them, in the order in which they are looked at.</summary>
    public static readonly ImmutableArray<(string Name, Func<UsageParts, long> Of)> TokenCounts =
    [
        ("cachedInputTokens", parts => parts.CachedInputTokens),
        ("cachedAudioInputTokens", parts => parts.CachedAudioInputTokens),
        ("cachedImageInputTokens", parts => parts.CachedImageInputTokens),
        ("cacheWrite5mTokens", parts => parts.CacheWrite5mTokens),
        ("cacheWrite1hTokens", parts => parts.CacheWrite1hTokens),
        ("audioInputTokens", parts => parts.AudioInputTokens),
        ("imageInputTokens", parts => parts.ImageInputTokens),
        ("videoInputTokens", parts => parts.VideoInputTokens),
        ("reasoningTokens", parts => parts.ReasoningTokens),
        ("audioOutputTokens", parts => parts.AudioOutputTokens),
        ("imageOutputTokens", parts => parts.ImageOutputTokens),
        ("videoOutputTokens", parts => parts.VideoOutputTokens),
        ("citationTokens", parts => parts.CitationTokens),
    ];

    /// <summary>The units, likewise.</summary>
    public static readonly ImmutableArray<(string Name, Func<UsageParts, decimal> Of)> UnitCounts =
    [
        ("queries", parts => parts.Queries),
        ("sessions", parts => parts.Sessions),
        ("imagesIn", parts => parts.ImagesIn),
        ("imagesOut", parts => parts.ImagesOut),
        ("charactersIn", parts => parts.CharactersIn),
        ("charactersOut", parts => parts.CharactersOut),
        ("audioSecondsIn", parts => parts.AudioSecondsIn),
        ("audioSecondsOut", parts => parts.AudioSecondsOut),
        ("videoSecondsIn", parts => parts.VideoSecondsIn),
        ("videoSecondsOut", parts => parts.VideoSecondsOut),
        ("pages", parts => parts.Pages),
        ("annotatedPages", parts => parts.AnnotatedPages),
        ("webSearches", parts => parts.WebSearches),
    ];

    /// <summary>Holds nothing but units: no kind of token.</summary>
    [JsonIgnore]
    public bool IsUnitsOnly => this is
    {
        CachedInputTokens: 0, CachedAudioInputTokens: 0, CachedImageInputTokens: 0, CacheWrite5mTokens: 0, CacheWrite1hTokens: 0,
        AudioInputTokens: 0, ImageInputTokens: 0, VideoInputTokens: 0, ReasoningTokens: 0, AudioOutputTokens: 0, ImageOutputTokens: 0,
        VideoOutputTokens: 0, CitationTokens: 0,
    };

    /// <summary>Both added up.</summary>
    public UsageParts Plus(UsageParts more) => new()
    {
        CachedInputTokens = CachedInputTokens + more.CachedInputTokens,
        CachedAudioInputTokens = CachedAudioInputTokens + more.CachedAudioInputTokens,
        CachedImageInputTokens = CachedImageInputTokens + more.CachedImageInputTokens,
        CacheWrite5mTokens = CacheWrite5mTokens + more.CacheWrite5mTokens,
        CacheWrite1hTokens = CacheWrite1hTokens + more.CacheWrite1hTokens,
        AudioInputTokens = AudioInputTokens + more.AudioInputTokens,
        ImageInputTokens = ImageInputTokens + more.ImageInputTokens,
        VideoInputTokens = VideoInputTokens + more.VideoInputTokens,
        ReasoningTokens = ReasoningTokens + more.ReasoningTokens,
        AudioOutputTokens = AudioOutputTokens + more.AudioOutputTokens,
        ImageOutputTokens = ImageOutputTokens + more.ImageOutputTokens,
        VideoOutputTokens = VideoOutputTokens + more.VideoOutputTokens,
        CitationTokens = CitationTokens + more.CitationTokens,
        Queries = Queries + more.Queries,
        Sessions = Sessions + more.Sessions,
        ImagesIn = ImagesIn + more.ImagesIn,
        ImagesOut = ImagesOut + more.ImagesOut,
        CharactersIn = CharactersIn + more.CharactersIn,
        CharactersOut = CharactersOut + more.CharactersOut,
        AudioSecondsIn = AudioSecondsIn + more.AudioSecondsIn,
        AudioSecondsOut = AudioSecondsOut + more.AudioSecondsOut,
        VideoSecondsIn = VideoSecondsIn + more.VideoSecondsIn,
        VideoSecondsOut = VideoSecondsOut + more.VideoSecondsOut,
        Pages = Pages + more.Pages,
        AnnotatedPages = AnnotatedPages + more.AnnotatedPages,
        WebSearches = WebSearches + more.WebSearches,
        WebSearchContext = WebSearchContext ?? more.WebSearchContext,
    };

    /// <summary>These parts with the units of others; null where both tell different counts of one unit.</summary>
    public UsageParts? WithUnits(UsageParts units, out string? twice)
    {
        string? differs = null;
        var both = this with
        {
            Queries = Of("queries", Queries, units.Queries),
            Sessions = Of("sessions", Sessions, units.Sessions),
            ImagesIn = Of("imagesIn", ImagesIn, units.ImagesIn),
            ImagesOut = Of("imagesOut", ImagesOut, units.ImagesOut),
            CharactersIn = Of("charactersIn", CharactersIn, units.CharactersIn),
            CharactersOut = Of("charactersOut", CharactersOut, units.CharactersOut),
            AudioSecondsIn = Of("audioSecondsIn", AudioSecondsIn, units.AudioSecondsIn),
            AudioSecondsOut = Of("audioSecondsOut", AudioSecondsOut, units.AudioSecondsOut),
            VideoSecondsIn = Of("videoSecondsIn", VideoSecondsIn, units.VideoSecondsIn),
            VideoSecondsOut = Of("videoSecondsOut", VideoSecondsOut, units.VideoSecondsOut),
            Pages = Of("pages", Pages, units.Pages),
            AnnotatedPages = Of("annotatedPages", AnnotatedPages, units.AnnotatedPages),
            WebSearches = Of("webSearches", WebSearches, units.WebSearches),
            WebSearchContext = units.WebSearchContext ?? WebSearchContext,
        };
        twice = differs;
        return differs is null ? both : null;

        decimal Of(string name, decimal own, decimal other)
        {
            if (own != 0 && other != 0 && own != other) differs ??= name;
            return own != 0 ? own : other;
        }
    }
}

/// <summary>What another model did inside of the same call: an adviser that was asked, an attempt that was declined.</summary>
public sealed record UsageLine(string Model, long InputTokens, long OutputTokens, UsageParts? Parts = null)
{
    /// <summary>As usage of its own, on the terms of the call that it is inside of, whose request it is a part of.</summary>
    public Usage Within(Dimensions call, string? serviceTier, string? region, string? speed) => new()
    {
        Dimensions = call with { Model = Model },
        InputTokens = InputTokens,
        OutputTokens = OutputTokens,
        Parts = Parts,
        Requests = 0,
        ServiceTier = serviceTier,
        Region = region,
        Speed = speed,
    };
}

/// <summary>One model call as its caller reports it, in the one form that prices assume.</summary>
public sealed record Usage
{
    public Dimensions Dimensions { get; init; } = Dimensions.None;
    public Instant? Timestamp { get; init; }
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }

    /// <summary>All there is, where input and output are not told apart: counts whole against the limits of either.</summary>
    public long? TotalTokens { get; init; }
    public UsageParts? Parts { get; init; }

    /// <summary>What other models did inside of the same call; each is booked as a record of its own.</summary>
    public IReadOnlyList<UsageLine>? Lines { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long Requests { get; init; } = 1;
    public string? ServiceTier { get; init; }
    public string? Region { get; init; }
    public string? Speed { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool Success { get; init; } = true;

    public string? Error { get; init; }
    public long? DurationMs { get; init; }
    public string? RequestId { get; init; }
    public IReadOnlyList<string>? Tools { get; init; }
    public string? ToolCallId { get; init; }
    public long? CostNanos { get; init; }

    /// <summary>What the provider says that it charged, in USD.</summary>
    public decimal? ReportedCost { get; init; }

    /// <summary>How its report contradicts itself; the larger reading is booked.</summary>
    public string? Disputed { get; init; }

    /// <summary>Members of its report that may be counts and were not read.</summary>
    public IReadOnlyList<string>? Unread { get; init; }

    /// <summary>Free JSON of the caller, kept as text.</summary>
    public string? Metadata { get; init; }

    /// <summary>The provider's own usage object, kept as text when the usage was given in that form.</summary>
    public string? Raw { get; init; }

    /// <summary>The conditions under which it is priced, for a call made at an instant.</summary>
    public PriceTerms Terms(Instant? at) => PriceTerms.Of(at, ServiceTier, Region, Speed);
}

/// <summary>How a record came to be: reported by the caller, booked in doubt (broken stream, expiry that charges), or a correction of
/// such; and what somebody decided about another record: that it was wrong, that it never counts, that money came back.</summary>
public enum RecordKind { Reported, Unknown, Expired, Adjustment, Correction, Void, Credit }

/// <summary>A record that was booked together with another one: what another model did inside of the same call.</summary>
public sealed record BookedLine(string Id, string? Provider, string? Model, long Tokens, long CostNanos, string? PriceVersion,
    bool Unpriced);

/// <summary>
/// One usage as it was booked. <see cref="At"/> is the instant whose windows it belongs to: a hold's creation, or the record's own
/// timestamp. Amounts of an adjustment may be negative: it and the record it corrects add up to what was really used.
/// </summary>
public sealed record UsageRecord
{
    public required string Id { get; init; }
    public long Fingerprint { get; init; }
    public string? ReservationId { get; init; }
    public Instant At { get; init; }
    public Instant BookedAt { get; init; }
    public RecordKind Kind { get; init; }
    public Usage Usage { get; init; } = new();
    public Amounts Amounts { get; init; }
    public string Currency { get; init; } = "USD";
    public string? PriceVersion { get; init; }

    /// <summary>Something in it has no price; what has one is booked all the same.</summary>
    public bool Unpriced { get; init; }

    /// <summary>The counts without a rate, by their names, where others have one; null where all of them have, or none has.</summary>
    public IReadOnlyList<string>? UnpricedParts { get; init; }

    /// <summary>The service tier whose rates it was rated with; null where it was not rated by a price.</summary>
    public string? RatedTier { get; init; }

    /// <summary>What it took of allowances, or (below 0) gave back: so many units cost nothing.</summary>
    public IReadOnlyList<AllowanceUse>? Allowances { get; init; }

    /// <summary>The names under which prices know provider and model, where those that were given are others.</summary>
    public string? CanonicalProvider { get; init; }
    public string? CanonicalModel { get; init; }

    /// <summary>What the provider says that it charged, in the account's currency.</summary>
    public long? ReportedNanos { get; init; }

    /// <summary>What other models did inside of the same call: records of their own, each of which names this one.</summary>
    public IReadOnlyList<BookedLine>? Lines { get; init; }
    public string? LineOf { get; init; }

    /// <summary>What a credit goes by outside of this system: the number of a credit note.</summary>
    public string? Reference { get; init; }
    public bool Late { get; init; }
    public bool Overrun { get; init; }

    /// <summary>What it costs in the price's own currency and the rate of its time, where the account has another currency.</summary>
    public string? PriceCurrency { get; init; }
    public string? PriceCost { get; init; }
    public decimal? ExchangeRate { get; init; }

    /// <summary>How much less it is than by the list.</summary>
    public long DiscountNanos { get; init; }

    /// <summary>Of what changes another record: how much of its tokens sums show as output, where its own amounts do not say so. Those of a
    /// record and of all that is beside it add up to what the last of them says.</summary>
    public long? ShownOutputTokens { get; init; }

    /// <summary>Of a charge in doubt: its hold keeps what it stands under. False in what earlier builds charged.</summary>
    public bool KeptByHold { get; init; }

    /// <summary>Of an adjustment: when the amount that it adjusts was booked. Both are one amount, wherever they are counted.</summary>
    public Instant? ChargedAt { get; init; }

    /// <summary>The usage that this one rates anew, and who asked for it and why.</summary>
    public string? Corrects { get; init; }
    public string? CorrectedBy { get; init; }

    /// <summary>That one was booked without a price, and has one by this, or counts for nothing.</summary>
    public bool GivesPrice { get; init; }
    public string? Reason { get; init; }

    /// <summary>It was erased on demand: only its identity counts.</summary>
    public bool IsErased { get; init; }

    /// <summary>What was about a person was taken out of it: its amounts are all there.</summary>
    public bool IsAnonymous { get; init; }

    /// <summary>The same without what may name or describe a person: user, session, tags, and whatever its caller or its provider wrote
    /// freely.</summary>
    public UsageRecord Anonymous() => this with
    {
        Usage = Usage with
        {
            Dimensions = Usage.Dimensions.Anonymous(), Error = null, RequestId = null,
            ToolCallId = null, Metadata = null, Raw = null,
        },
        IsAnonymous = true,
    };

    /// <summary>The provider and model that reports put it under.</summary>
    [JsonIgnore]
    public string? Provider => CanonicalProvider ?? Usage.Dimensions.Provider;

    [JsonIgnore]
    public string? Model => CanonicalModel ?? Usage.Dimensions.Model;

    /// <summary>Changes another record, and is no call of its own.</summary>
    [JsonIgnore]
    public bool IsAdjusting => Kind is RecordKind.Adjustment or RecordKind.Correction or RecordKind.Void or RecordKind.Credit;

    /// <summary>Input and output as sums show them.</summary>
    [JsonIgnore]
    public (long Input, long Output) Told => ShownOutputTokens is { } output ? (Amounts.Tokens - output, output) : Amounts.Told;

    /// <summary>The same, so much of whose tokens sums show as output.</summary>
    internal UsageRecord Showing(long output) => Told.Output == output ? this : this with { ShownOutputTokens = output };

    /// <summary>The last part of its hold: what a retry must match.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public bool Final { get; init; } = true;
}
