// Changes of the settings: default policy, prices, exchange rates, tenants. Pure like every rule: the settings as they are and an edit
// make the settings as they will be.
using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime;
using Purser.Core.Statistics;

namespace Purser.Core;

/// <summary>Something to change in the settings; who and why are kept with it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "s")]
[JsonDerivedType(typeof(PutDefaultPolicy), "putDefaultPolicy")]
[JsonDerivedType(typeof(PutPrice), "putPrice")]
[JsonDerivedType(typeof(RemovePrice), "removePrice")]
[JsonDerivedType(typeof(PutExchangeRates), "putExchangeRates")]
[JsonDerivedType(typeof(PutCatalogue), "putCatalogue")]
[JsonDerivedType(typeof(RemoveCatalogue), "removeCatalogue")]
[JsonDerivedType(typeof(PutTenant), "putTenant")]
[JsonDerivedType(typeof(RemoveTenant), "removeTenant")]
[JsonDerivedType(typeof(LearnFirstDays), "learnFirstDays")]
public abstract record SettingsEdit
{
    public Instant At { get; init; }
    public string? ChangedBy { get; init; }

    /// <summary>The key that they showed.</summary>
    public string? KeyId { get; init; }
    public string? Reason { get; init; }

    /// <summary>Sent again by whoever got no answer, word for word.</summary>
    public bool Repeated { get; init; }
}

/// <summary>Puts the policy under every account. <see cref="IfVersion"/>: only where it is at that version; 0 where nobody put one
/// yet.</summary>
public sealed record PutDefaultPolicy(Policy Policy) : SettingsEdit
{
    public long? IfVersion { get; init; }
}

/// <summary>Puts a price under a name, over the catalogue's. <see cref="Json"/> is in the form of a catalogue's entry.</summary>
public sealed record PutPrice(string Provider, string Model, string Json) : SettingsEdit;

/// <summary>Takes a custom price away: the catalogue's holds again.</summary>
public sealed record RemovePrice(string Provider, string Model) : SettingsEdit;

/// <summary>Replaces the exchange rates, all of them: what was booked keeps the rate of its time.</summary>
public sealed record PutExchangeRates(ExchangeRates Rates) : SettingsEdit;

/// <summary>Puts a whole catalogue in the place of the one in force: the bytes of its file. Custom prices stay above it.</summary>
public sealed record PutCatalogue(byte[] File) : SettingsEdit;

/// <summary>Goes back to the built-in catalogue.</summary>
public sealed record RemoveCatalogue : SettingsEdit;

/// <summary>Makes a tenant, or changes it as a whole. <see cref="IfVersion"/>: only where it is at that version; 0 where there is
/// none.</summary>
public sealed record PutTenant(string Id, IReadOnlyList<string> Accounts) : SettingsEdit
{
    public string? Name { get; init; }
    public Policy? DefaultPolicy { get; init; }
    public long? IfVersion { get; init; }
}

/// <summary>Takes a tenant away. That it has no accounts is looked at by whoever sends it.</summary>
public sealed record RemoveTenant(string Id) : SettingsEdit
{
    public long? IfVersion { get; init; }
}

/// <summary>What accounts use in their first days was learned anew. Nobody decided it, so it stands in no list of changes.</summary>
public sealed record LearnFirstDays(IReadOnlyList<FirstDays> Learned) : SettingsEdit;

public static class SettingsEditRules
{
    public const int MostCustomPrices = 2000;
    public const int LongestPrice = 64 * 1024;
    public const int LargestCatalogue = 4 * 1024 * 1024;
    public const int MostChanges = 200;

    /// <summary>The body of the next version, or why the edit can not be made; neither where there is nothing to change.</summary>
    public static (SettingsBody? Next, Outcome? Refusal) Decide(SettingsBody body, SettingsEdit edit, long nextVersion)
    {
        if (Validity.Text("by", edit.ChangedBy, Validity.LongestName) is { } who) return (null, who);
        if (Validity.Text("reason", edit.Reason, Validity.LongestReason) is { } why) return (null, why);
        return edit switch
        {
            PutDefaultPolicy put => Put(body, put, nextVersion),
            PutPrice put => Put(body, put, nextVersion),
            RemovePrice remove => Remove(body, remove, nextVersion),
            PutExchangeRates rates => Put(body, rates, nextVersion),
            PutCatalogue catalogue => Put(body, catalogue, nextVersion),
            RemoveCatalogue remove => Remove(body, remove, nextVersion),
            PutTenant tenant => TenantRules.Put(body, tenant, nextVersion),
            RemoveTenant tenant => TenantRules.Remove(body, tenant, nextVersion),
            LearnFirstDays learn => (Learn(body, learn), null),
            _ => throw new System.Diagnostics.UnreachableException(edit.GetType().Name),
        };
    }

    static (SettingsBody?, Outcome?) Put(SettingsBody body, PutDefaultPolicy put, long nextVersion)
    {
        if (Validity.Problem(put.Policy) is { } problem) return (null, problem);
        var isInForce = body.DefaultsVersion > 0 && PolicyChangeRules.IsSame(put.Policy, body.DefaultPolicy);
        if (!VersionRule.Holds(put.IfVersion, body.DefaultsVersion, isInForce, IsAgain(body, put, DefaultPolicySubject)))
            return (null, new(OutcomeStatus.VersionMismatch, null, "If-Match",
                $"the default policy is at version {body.DefaultsVersion}, not {put.IfVersion}; read it again"));
        if (isInForce) return (null, null);
        // A tenant that was changed leaves a version too.
        var wasPut = !PolicyChangeRules.IsSame(body.DefaultPolicy, Policy.Empty)
            || body.Changes.Any(change => change.Subject == DefaultPolicySubject);
        return (body with
        {
            DefaultPolicy = put.Policy, DefaultsVersion = nextVersion,
            Changes = Changed(body, put, DefaultPolicySubject, wasPut ? Text(body.DefaultPolicy) : null, Text(put.Policy), nextVersion),
        }, null);

        static string Text(Policy policy) => JsonSerializer.Serialize(policy, CoreJson.Default.Policy);
    }

    static (SettingsBody?, Outcome?) Put(SettingsBody body, PutPrice put, long nextVersion)
    {
        if (Validity.Name("provider", put.Provider) is { } provider) return (null, provider);
        if (put.Provider.Contains('/', StringComparison.Ordinal))
            return (null, Outcome.Invalid("provider", "must not have a slash, which ends a provider's prefix"));
        if (Validity.Name("model", put.Model) is { } model) return (null, model);
        if (put.Json.Length > LongestPrice) return (null, Outcome.Invalid("rates", $"a price has at most {LongestPrice} characters"));
        var custom = new CustomPrice(put.Provider, put.Model, put.Json, nextVersion);
        try
        {
            custom.Read();
        }
        catch (PriceRefusedException refused)
        {
            return (null, Outcome.Invalid(refused.Place, refused.Detail));
        }
        catch (JsonException malformed)
        {
            return (null, Outcome.Invalid("rates", $"the price is not JSON with each member once: {malformed.Message}"));
        }
        var before = body.Prices.FirstOrDefault(known => known.IsFor(put.Provider, put.Model));
        if (before?.Json == put.Json) return (null, null);
        if (before is null && body.Prices.Count >= MostCustomPrices)
            return (null, Outcome.Unprocessable("model", $"there are {MostCustomPrices} custom prices already; remove some"));
        return (body with
        {
            Prices = [.. body.Prices.Where(known => known != before), custom],
            Changes = Changed(body, put, PriceSubject(put.Provider, put.Model), before?.Json, put.Json, nextVersion),
        }, null);
    }

    static (SettingsBody?, Outcome?) Remove(SettingsBody body, RemovePrice remove, long nextVersion)
    {
        if (body.Prices.FirstOrDefault(known => known.IsFor(remove.Provider, remove.Model)) is not { } before)
            return (null, IsAgain(body, remove, PriceSubject(remove.Provider, remove.Model)) ? null
                : new(OutcomeStatus.NotFound, null, "model", $"there is no custom price for '{remove.Provider}/{remove.Model}'"));
        return (body with
        {
            Prices = [.. body.Prices.Where(known => known != before)],
            Changes = Changed(body, remove, PriceSubject(before.Provider, before.Model), before.Json, null, nextVersion),
        }, null);
    }

    static (SettingsBody?, Outcome?) Put(SettingsBody body, PutExchangeRates put, long nextVersion)
    {
        if (Validity.Problem(put.Rates) is { } problem) return (null, problem);
        var before = body.ExchangeRates;
        if (before is not null && Text(before) == Text(put.Rates)) return (null, null);
        return (body with
        {
            ExchangeRates = put.Rates,
            Changes = Changed(body, put, RatesSubject, before is null ? null : Without(before, put.Rates), Without(put.Rates, before),
                nextVersion),
        }, null);

        static string Text(ExchangeRates rates) => JsonSerializer.Serialize(rates, CoreJson.Default.ExchangeRates);

        static string Without(ExchangeRates rates, ExchangeRates? others) =>
            JsonSerializer.Serialize(ChangedRates.Of(rates, others), CoreJson.Default.ChangedRates);
    }

    static (SettingsBody?, Outcome?) Put(SettingsBody body, PutCatalogue put, long nextVersion)
    {
        if (put.File.Length > LargestCatalogue)
            return (null, new(OutcomeStatus.Invalid, null, null, $"a catalogue has at most {LargestCatalogue} bytes"));
        if (body.Catalogue?.Digest == Catalogue.DigestOf(put.File)) return (null, null);
        try
        {
            var read = CatalogueReader.Read(put.File);
            return (WithCatalogue(body, new(read.Digest, read.Version, read.DataDate, read.Entries.Count, nextVersion, put.At,
                put.ChangedBy, put.Reason), put, nextVersion), null);
        }
        catch (PriceRefusedException refused)
        {
            return (null, new(OutcomeStatus.Invalid, null, refused.Field, refused.Field is null ? $"the catalogue {refused.Detail}"
                : refused.Detail));
        }
    }

    static (SettingsBody?, Outcome?) Remove(SettingsBody body, RemoveCatalogue remove, long nextVersion) =>
        (body.Catalogue is null ? null : WithCatalogue(body, null, remove, nextVersion), null);

    static SettingsBody WithCatalogue(SettingsBody body, CatalogueNote? catalogue, SettingsEdit edit, long nextVersion)
    {
        return body with { Catalogue = catalogue, Changes = Changed(body, edit, CatalogueSubject, Text(body.Catalogue), Text(catalogue),
            nextVersion) };

        static string? Text(CatalogueNote? note) => note is null
            ? null : JsonSerializer.Serialize(new(note.Version, note.Digest, note.Entries), CoreJson.Default.CatalogueName);
    }

    /// <summary>Where too few accounts are left to learn from, what was learned before stands; that of tenants that are no more
    /// goes.</summary>
    static SettingsBody? Learn(SettingsBody body, LearnFirstDays learn)
    {
        var tenants = body.Tenants.Select(tenant => tenant.Id).Append(null).ToHashSet();
        var known = body.FirstDays.Where(one => tenants.Contains(one.Tenant)).ToDictionary(one => one.Tenant ?? "");
        var news = known.Count < body.FirstDays.Count;
        foreach (var one in learn.Learned)
            if (tenants.Contains(one.Tenant) && one.IsNews(known.GetValueOrDefault(one.Tenant ?? "")))
                (known[one.Tenant ?? ""], news) = (one, true);
        return news ? body with { FirstDays = [.. known.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => one.Value)] } : null;
    }

    /// <summary>Whether the last change of a subject is this very edit, which a silo is sent again where no answer of it came.</summary>
    internal static bool IsAgain(SettingsBody body, SettingsEdit edit, string subject) =>
        edit.Repeated
            && body.Changes.LastOrDefault(change => change.Subject.Equals(subject, StringComparison.OrdinalIgnoreCase)) is { } last
            && last.At.ToUnixTimeMilliseconds() == edit.At.ToUnixTimeMilliseconds()
            && (last.ChangedBy, last.KeyId, last.Reason) == (edit.ChangedBy, edit.KeyId, edit.Reason);

    public const string DefaultPolicySubject = "default-policy";

    /// <summary>The subject of changes of a custom price, under the name that was put.</summary>
    public static string PriceSubject(string provider, string model) => $"price:{provider}/{model}";

    /// <summary>The subject of changes of exchange rates; before and after are the rates that they took away and brought.</summary>
    public const string RatesSubject = "rates";

    /// <summary>The subject that changes of exchange rates had while each was kept with all rates.</summary>
    public const string ExchangeRatesSubject = "exchange-rates";

    /// <summary>The subject of changes of the catalogue; null before or after stands for the built-in one.</summary>
    public const string CatalogueSubject = "catalogue";

    /// <summary>The subject of changes of a tenant, with its id behind.</summary>
    public const string TenantSubject = "tenant:";

    internal static SettingsChange[] Changed(SettingsBody body, SettingsEdit edit, string subject, string? before, string? after,
        long version) =>
        [.. body.Changes.TakeLast(MostChanges - 1), new(version, edit.At, subject, before, after, edit.ChangedBy,
            edit.Reason) { KeyId = edit.KeyId }];
}
