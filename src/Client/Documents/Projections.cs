// Where usage is going, and when limits will be reached.
namespace Purser.Client;

/// <summary>`rate` and `trend` are null where less than a day, or fewer than two days, are known.</summary>
public sealed record Projection
{
    public string Account { get; init; } = "";
    public DateTimeOffset AsOf { get; init; }
    public string TimeZone { get; init; } = "";
    public string Currency { get; init; } = "";
    public IReadOnlyList<ProjectedWindow> Windows { get; init; } = [];
    public ProjectedRates? Rate { get; init; }
    public UsageTrends? Trend { get; init; }
    public IReadOnlyList<LimitOutlook> Limits { get; init; } = [];
    public string? NextCursor { get; init; }
}

public sealed record ProjectedWindow
{
    public string Window { get; init; } = "";
    public DateTimeOffset Start { get; init; }
    public DateTimeOffset End { get; init; }
    public decimal ElapsedPart { get; init; }
    public string Status { get; init; } = "";
    public ProjectedMeasure Tokens { get; init; } = new();
    public ProjectedMeasure Cost { get; init; } = new();
    public ProjectedMeasure Requests { get; init; } = new();
}

/// <summary>What is booked so far, and the expected total of the window with an 80 % interval; null where too little is known.</summary>
public sealed record ProjectedMeasure
{
    public Amount Elapsed { get; init; }
    public Amount? Projected { get; init; }
    public Amount? Low { get; init; }
    public Amount? High { get; init; }

    /// <summary>Whether the weeks before were so unlike each other that the interval says little; null where too little is known.</summary>
    public bool? Bursty { get; init; }
}

public sealed record ProjectedRates
{
    public decimal BasedOnDays { get; init; }
    public decimal Confidence { get; init; }
    public ProjectedRate Tokens { get; init; } = new();
    public ProjectedRate Cost { get; init; } = new();
    public ProjectedRate Requests { get; init; } = new();
}

/// <summary>The use of the whole time that is known, spread evenly: per day, in a week and in thirty days.</summary>
public sealed record ProjectedRate
{
    public Amount PerDay { get; init; }
    public Amount PerWeek { get; init; }
    public Amount PerThirtyDays { get; init; }
}

public sealed record UsageTrends
{
    public UsageTrend Tokens { get; init; } = new();
    public UsageTrend Cost { get; init; } = new();
}

/// <summary>The last thirty whole days: their second half against the first, and averages per day.</summary>
public sealed record UsageTrend
{
    public TrendDirection Direction { get; init; }
    public decimal ChangePercent { get; init; }
    public Amount NextHalf { get; init; }
    public decimal Confidence { get; init; }
    public Amount MovingAverage7 { get; init; }
    public Amount MovingAverage30 { get; init; }
    public Amount NextThirtyDays { get; init; }
}

/// <summary>`outlook`: exceeded, exhausts (at `exhaustedAt`), lasts, insufficient-data, or not-projected (session, request and rolling
/// windows, unlimited ones).</summary>
public sealed record LimitOutlook
{
    public string LimitId { get; init; } = "";
    public LimitUnit Unit { get; init; }
    public string Window { get; init; } = "";
    public string? Key { get; init; }
    public Amount? Amount { get; init; }
    public Amount Settled { get; init; }
    public Amount? Remaining { get; init; }
    public DateTimeOffset? ResetsAt { get; init; }
    public string Outlook { get; init; } = "";
    public DateTimeOffset? ExhaustedAt { get; init; }
}

/// <summary>What the usage of a report comes to if it goes on; `atEnd` is the expected total of the period at its end.</summary>
public sealed record UsagePace
{
    public Amount PerDay { get; init; }
    public Amount PerWeek { get; init; }
    public Amount PerThirtyDays { get; init; }
    public Amount AtEnd { get; init; }
}

/// <summary>What the usage of a report comes to if it goes on: from the first use in the period on. Figures are null where that is less
/// than a day ago.</summary>
public sealed record PaceOfPeriod
{
    public string Status { get; init; } = "";
    public decimal BasedOnDays { get; init; }
    public decimal? Confidence { get; init; }
    public UsagePace? Tokens { get; init; }
    public UsagePace? Cost { get; init; }
    public UsagePace? Requests { get; init; }
}
