// The settings and the time, for callers that have no ledger of their own.
using Orleans.Concurrency;
using Purser.Core;
using Purser.Engine;

namespace Purser.Interfaces;

/// <summary>Key: 0; any silo answers.</summary>
[Alias("purser.settings")]
[GrainInterfaceType("purser.settings")]
public interface ISettingsGrain : IGrainWithIntegerKey
{
    [Alias("get")]
    Task<Immutable<SettingsAnswer>> GetAsync();

    /// <summary>As <see cref="IBudgetAuthority.EditSettingsAsync"/>.</summary>
    [Alias("edit")]
    Task<Immutable<SettingsAnswer>> EditAsync([Immutable] SettingsEdit edit);

    /// <summary>As <see cref="IBudgetAuthority.SettingsChangesAsync(long, int)"/>.</summary>
    [Alias("changes-after")]
    Task<Immutable<SettingsChanges>> ChangesAfterAsync(long version, int most);

    /// <summary>As <see cref="IBudgetAuthority.SettingsChangesAsync(IReadOnlyCollection{string}, int)"/>.</summary>
    [Alias("changes-of")]
    Task<Immutable<SettingsChanges>> ChangesOfAsync(string[] subjects, int most);

    /// <summary>The file of a catalogue by its digest, for those who read <see cref="GetAsync"/>; null where the ledger has none.</summary>
    [Alias("get-catalogue")]
    Task<Immutable<byte[]?>> GetCatalogueAsync(string digest);

    /// <summary>The ledger's time as the silo knows it, in milliseconds since 1970.</summary>
    [Alias("time")]
    Task<long> TimeAsync();
}

/// <summary>Settings as the ledger keeps them, and what the silos' own configuration adds.</summary>
public sealed record SettingsAnswer(StoredSettings Stored, bool RefuseUnknownAccounts, SettingsRefusal? Refusal = null);

public sealed record SettingsChanges(IReadOnlyList<SettingsChange> Items)
{
    public IReadOnlyList<SettingsChange> Items { get; init => field = value ?? []; } = Items ?? [];
}

/// <summary>Why an edit of the settings was refused.</summary>
public sealed record SettingsRefusal(OutcomeStatus Status, string? Field, string? Detail)
{
    public static SettingsRefusal? Of(Outcome? outcome) => outcome is null ? null : new(outcome.Status, outcome.Field, outcome.Detail);

    public Outcome ToOutcome() => new(Status, null, Field, Detail);
}
