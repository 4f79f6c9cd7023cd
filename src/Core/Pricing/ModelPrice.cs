// The price of one model: its names, what is known about it, and its periods.
using NodaTime;

namespace Purser.Core;

public sealed class ModelPrice
{
    public required string Provider { get; init; }

    /// <summary>The provider's own id.</summary>
    public required string Model { get; init; }

    /// <summary>The model's own name, where this is a price for another name of it.</summary>
    public string Canonical { get => field ?? Model; init; }

    /// <summary>Other ids of the same model at the same price.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
    public string? Mode { get; init; }
    public long? ContextWindow { get; init; }
    public long? MaxOutputTokens { get; init; }
    public long? PromptCacheMinTokens { get; init; }
    public string? Region { get; init; }
    public string? RetiresOn { get; init; }
    public bool Free { get; init; }
    public string? Note { get; init; }
    public IReadOnlyList<string> Sources { get; init; } = [];
    public string? AsOf { get; init; }

    /// <summary>In order of precedence. The first is the one that holds where no time is given.</summary>
    public required IReadOnlyList<PricePeriod> Periods { get; init; }

    /// <summary>How many of the periods somebody put over the catalogue's.</summary>
    public int CustomPeriods { get; init; }

    /// <summary>The most output tokens of a call: none, where the model puts out something else.</summary>
    public long? MostOutput => MaxOutputTokens ?? (Mode is "embedding" or "rerank" or "moderation" ? 0 : null);

    /// <summary>The price that holds at an instant; null where none does.</summary>
    public PricePeriod? At(Instant at)
    {
        for (var i = 0; i < Periods.Count; i++)
            if (Periods[i].Contains(at))
                return Periods[i];
        return null;
    }

    /// <summary>
    /// The price without a time: what the catalogue gives as today's, also where this machine's day is an earlier one, or the one in force
    /// now where that has ended.
    /// </summary>
    public PricePeriod? Today(Instant now)
    {
        for (var i = 0; i < Periods.Count; i++)
            if (Periods[i].Contains(now) || (i == CustomPeriods && !(now >= Periods[i].Until)))
                return Periods[i];
        return null;
    }

    /// <summary>These periods before another price's of the same model: what they do not cover costs what it cost.</summary>
    public ModelPrice Over(ModelPrice? listed) => new()
    {
        Provider = listed?.Provider ?? Provider,
        Model = listed?.Model ?? Model,
        Aliases = listed is null ? Aliases : [.. listed.Aliases.Union(Aliases, StringComparer.OrdinalIgnoreCase)],
        Mode = Mode ?? listed?.Mode,
        ContextWindow = ContextWindow ?? listed?.ContextWindow,
        MaxOutputTokens = MaxOutputTokens ?? listed?.MaxOutputTokens,
        PromptCacheMinTokens = PromptCacheMinTokens ?? listed?.PromptCacheMinTokens,
        Region = Region ?? listed?.Region,
        RetiresOn = RetiresOn ?? listed?.RetiresOn,
        Free = Free,
        Note = Note,
        Sources = Sources,
        AsOf = AsOf,
        Periods = [.. Periods, .. listed?.Periods ?? []],
        CustomPeriods = Periods.Count,
    };

    /// <summary>The same under one of that model's other names only.</summary>
    public ModelPrice OverAlias(ModelPrice listed)
    {
        var whole = Over(listed);
        return new()
        {
            Provider = whole.Provider, Model = Model, Canonical = listed.Canonical, Aliases = Aliases, Mode = whole.Mode,
                ContextWindow = whole.ContextWindow, MaxOutputTokens = whole.MaxOutputTokens,
            PromptCacheMinTokens = whole.PromptCacheMinTokens, Region = whole.Region, RetiresOn = whole.RetiresOn, Free = Free, Note = Note,
                Sources = Sources, AsOf = AsOf,
            Periods = whole.Periods, CustomPeriods = whole.CustomPeriods,
        };
    }

    public bool IsNamed(string name) => Model.Equals(name, StringComparison.OrdinalIgnoreCase)
        || Aliases.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>One period with these rates.</summary>
    public static ModelPrice Of(string provider, string model, Rates rates, string currency = "USD", long? maxOutputTokens = null,
        params string[] aliases) => new()
    {
        Provider = provider,
        Model = model,
        Aliases = aliases,
        MaxOutputTokens = maxOutputTokens,
        Periods = [new() { Rates = rates, Currency = currency }],
    };

    /// <summary>Text at one rate in and one out, at any time.</summary>
    public static ModelPrice Flat(string provider, string model, decimal input, decimal output, string currency = "USD",
        long? maxOutputTokens = null, params string[] aliases) =>
        Of(provider, model, Rates.Of((RateKind.Input, input), (RateKind.Output, output)), currency, maxOutputTokens, aliases);
}
