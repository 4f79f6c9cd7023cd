// What accounts use in their first days, as it was learned.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Core;
using Purser.Core.Statistics;

namespace Purser.Api.Documents;

/// <summary>What 99 of 100 accounts had used, at most, when they were so old.</summary>
public sealed class FirstDaysAgeDocument(FirstDaysAge age)
{
    /// <summary>The age in hours, from the hour of the first call on.</summary>
    public int Hours { get; } = age.Hours;

    /// <summary>Tokens until then.</summary>
    public long Tokens { get; } = age.Tokens;

    /// <summary>Money until then, in the currency beside it; null where too few accounts have one.</summary>
    [DataType("money")]
    public string? Cost { get; } = age.CostNanos == long.MaxValue ? null : Money.Format(age.CostNanos);

    /// <summary>Calls until then.</summary>
    public long Calls { get; } = age.Calls;
}

/// <summary>The first days of the accounts of a tenant, or of all that have none.</summary>
public sealed class FirstDaysDocument(FirstDays learned)
{
    /// <summary>The tenant whose accounts they are; null: those without one.</summary>
    public string? Tenant { get; } = learned.Tenant;

    /// <summary>When that was learned.</summary>
    public Instant LearnedAt { get; } = learned.LearnedAt;

    /// <summary>From how many accounts.</summary>
    public int Accounts { get; } = learned.Accounts;

    /// <summary>The currency that most of them have.</summary>
    public string Currency { get; } = learned.Currency;

    /// <summary>By age, youngest first.</summary>
    public IReadOnlyList<FirstDaysAgeDocument> Ages { get; } = [.. learned.Ages.Select(age => new FirstDaysAgeDocument(age))];
}

/// <param name="Items">One for each tenant, and one for the accounts without: where 20 accounts or more are old enough.</param>
public sealed record FirstDaysListDocument(IReadOnlyList<FirstDaysDocument> Items);
