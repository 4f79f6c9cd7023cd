// Tenants: whose accounts are whose. An account belongs to the tenant one of whose patterns its name fits; patterns of two tenants never
// fit the same name, so it belongs to at most one, whoever looks and whenever.
using NodaTime;

namespace Purser.Core;

/// <summary>
/// Ids of accounts, and beginnings of them with a star behind (`acme:*`). <see cref="Version"/> is the version of the settings at which the
/// record changed last, <see cref="Since"/> that at which it was made, <see cref="DefaultsVersion"/> that at which accounts got another
/// policy under their own by it.
/// </summary>
public sealed record Tenant(string Id, IReadOnlyList<string> Accounts, long Version, long Since, long DefaultsVersion, Instant CreatedAt)
{
    public string? Name { get; init; }

    /// <summary>The policy of its accounts, over the default one and under their own.</summary>
    public Policy? DefaultPolicy { get; init; }

    public bool Has(string account) => Accounts.Any(pattern => Fits(pattern, account));

    /// <summary>Whether putting would change nothing.</summary>
    public bool Says(PutTenant put) => Name == put.Name && Accounts.SequenceEqual(put.Accounts)
        && PolicyChangeRules.IsSame(put.DefaultPolicy ?? Policy.Empty, DefaultPolicy ?? Policy.Empty);

    internal static bool Fits(string pattern, string account) =>
        IsBeginning(pattern) ? account.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
            : pattern == account;

    internal static bool IsBeginning(string pattern) => pattern.EndsWith('*');

    /// <summary>Whether an account can fit both patterns.</summary>
    public static bool Overlap(string one, string other) => IsBeginning(one) ? Fits(one, other) || (IsBeginning(other) && Fits(other, one))
        : Fits(other, one);
}

/// <summary>All tenants, so that the one of an account is found at once.</summary>
public sealed class TenantBook
{
    public static readonly TenantBook Empty = new([]);

    readonly Dictionary<string, Tenant> byAccount = new(StringComparer.Ordinal);

    /// <summary>Beginnings in ordinal order: none begins another, so at most the last that is not after an account fits it.</summary>
    readonly (string Beginning, Tenant Tenant)[] beginnings;

    /// <summary>Policies of tenants over a default one, made when first asked for.</summary>
    readonly System.Collections.Concurrent.ConcurrentDictionary<string, (Policy Defaults, Policy Merged)> policies =
        new(StringComparer.Ordinal);

    TenantBook(IReadOnlyList<Tenant> tenants)
    {
        All = tenants;
        var found = new List<(string Beginning, Tenant Tenant)>();
        foreach (var tenant in tenants)
            foreach (var pattern in tenant.Accounts)
                if (Tenant.IsBeginning(pattern)) found.Add((pattern[..^1], tenant));
                else byAccount[pattern] = tenant;
        beginnings = [.. found.OrderBy(one => one.Beginning, StringComparer.Ordinal)];
    }

    public static TenantBook Of(IReadOnlyList<Tenant> tenants) => tenants.Count == 0 ? Empty : new(tenants);

    /// <summary>In the order of their ids.</summary>
    public IReadOnlyList<Tenant> All { get; }

    public bool IsEmpty => All.Count == 0;

    /// <summary>The tenant that an account belongs to; null where it belongs to none.</summary>
    public Tenant? Of(string account)
    {
        if (IsEmpty) return null;
        if (byAccount.TryGetValue(account, out var named)) return named;
        var low = Sorted.First(beginnings.Length, (beginnings, account),
            static (asked, i) => string.CompareOrdinal(asked.beginnings[i].Beginning, asked.account) > 0);
        return low > 0 && account.StartsWith(beginnings[low - 1].Beginning, StringComparison.Ordinal) ? beginnings[low - 1].Tenant : null;
    }

    public Tenant? Find(string id) => All.FirstOrDefault(tenant => tenant.Id == id);

    internal Policy DefaultPolicyOf(Tenant tenant, Policy defaults)
    {
        if (tenant.DefaultPolicy is not { } own) return defaults;
        var known = policies.GetOrAdd(tenant.Id, static (_, both) => (both.defaults, Policy.Merge(both.defaults, both.own)),
            (defaults, own));
        // Other settings may share this book over another default policy: what was made of one is not given for the other.
        return ReferenceEquals(known.Defaults, defaults) ? known.Merged : Policy.Merge(defaults, own);
    }
}

static class TenantRules
{
    public const int MostTenants = 10_000, MostPatterns = 100, LongestId = 64;

    public static (SettingsBody? Next, Outcome? Refusal) Put(SettingsBody body, PutTenant put, long nextVersion)
    {
        if (Problem(put) is { } problem) return (null, problem);
        var before = body.Tenants.FirstOrDefault(tenant => tenant.Id == put.Id);
        var isInForce = before?.Says(put) == true;
        if (!VersionRule.Holds(put.IfVersion, before?.Version ?? 0, isInForce, SettingsEditRules.IsAgain(body, put, SubjectOf(put.Id))))
            return (null, new(OutcomeStatus.VersionMismatch, null, "If-Match",
                $"the tenant is at version {before?.Version ?? 0}, not {put.IfVersion}; read it again"));
        foreach (var other in body.Tenants)
        {
            if (other.Id == put.Id) continue;
            for (var i = 0; i < put.Accounts.Count; i++)
                if (other.Accounts.FirstOrDefault(theirs => Tenant.Overlap(put.Accounts[i], theirs)) is { } taken)
                    return (null, new(OutcomeStatus.Conflict, null, $"accounts[{i}]",
                        $"'{put.Accounts[i]}' and '{taken}' of the tenant '{other.Id}' fit the same accounts; an account has one tenant"));
        }
        if (before is null && body.Tenants.Count >= MostTenants)
            return (null, Outcome.Unprocessable("tenant", $"there are {MostTenants} tenants already; remove some"));
        if (isInForce) return (null, null);
        var samePolicy = PolicyChangeRules.IsSame(put.DefaultPolicy ?? Policy.Empty, before?.DefaultPolicy ?? Policy.Empty);
        var isUnchanged = samePolicy && (put.DefaultPolicy is null || (before is not null && put.Accounts.All(before.Accounts.Contains)));
        var defaults = isUnchanged ? before?.DefaultsVersion ?? 0 : nextVersion;
        var after = new Tenant(put.Id, put.Accounts, nextVersion, before?.Since ?? nextVersion, defaults, before?.CreatedAt ?? put.At)
        {
            Name = put.Name, DefaultPolicy = put.DefaultPolicy,
        };
        return (Left(body, before, after.Accounts, nextVersion) with
        {
            Tenants = [.. body.Tenants.Where(tenant => tenant != before).Append(after)
                .OrderBy(tenant => tenant.Id, StringComparer.Ordinal)],
            Changes = SettingsEditRules.Changed(body, put, SubjectOf(put.Id), Text(before), Text(after), nextVersion),
        }, null);
    }

    public static (SettingsBody? Next, Outcome? Refusal) Remove(SettingsBody body, RemoveTenant remove, long nextVersion)
    {
        if (body.Tenants.FirstOrDefault(tenant => tenant.Id == remove.Id) is not { } before)
            return (null, SettingsEditRules.IsAgain(body, remove, SubjectOf(remove.Id)) ? null : NoSuchTenant(remove.Id));
        if (remove.IfVersion is { } wanted && wanted != before.Version)
            return (null, new(OutcomeStatus.VersionMismatch, null, "If-Match",
                $"the tenant is at version {before.Version}, not {wanted}; read it again"));
        return (Left(body, before, [], nextVersion) with
        {
            Tenants = [.. body.Tenants.Where(tenant => tenant != before)],
            Changes = SettingsEditRules.Changed(body, remove, SubjectOf(remove.Id), Text(before), null, nextVersion),
        }, null);
    }

    public static Outcome NoSuchTenant(string id) => new(OutcomeStatus.NotFound, null, "tenant", $"there is no tenant '{id}'");

    /// <summary>Accounts that leave a tenant with a policy look at the default one again.</summary>
    static SettingsBody Left(SettingsBody body, Tenant? before, IReadOnlyList<string> kept, long nextVersion) =>
        before?.DefaultPolicy is not null && !before.Accounts.All(kept.Contains) ? body with { DefaultsVersion = nextVersion } : body;

    static Outcome? Problem(PutTenant put)
    {
        if (!IsId(put.Id)) return Outcome.Invalid("tenant", $"must be 1 to {LongestId} small letters, digits, dots and dashes");
        if (Validity.Text("name", put.Name, Validity.LongestName) is { } name) return name;
        if (put.Accounts.Count is 0 or > MostPatterns)
            return Outcome.Invalid("accounts", $"must be 1 to {MostPatterns} ids of accounts, or beginnings of them with a star behind");
        for (var i = 0; i < put.Accounts.Count; i++)
        {
            var pattern = put.Accounts[i];
            // A beginning of nothing would be every account.
            if (pattern is null || !Validity.IsAccountId(pattern.EndsWith('*') ? pattern[..^1] : pattern))
                return Outcome.Invalid(
                    $"accounts[{i}]", "must be the id of an account, or the beginning of one with a star behind: acme:*");
            for (var k = 0; k < i; k++)
                if (Tenant.Overlap(pattern, put.Accounts[k]))
                    return Outcome.Invalid($"accounts[{i}]", $"fits what '{put.Accounts[k]}' fits; one of them is enough");
        }
        return put.DefaultPolicy is { } policy && Validity.Problem(policy) is { } wrong
            ? wrong with { Field = wrong.Field is null ? "defaultPolicy" : "defaultPolicy." + wrong.Field } : null;
    }

    public static bool IsId(string? id) => id is { Length: >= 1 and <= LongestId }
        && id.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '-' or '.')
            && id.Any(char.IsAsciiLetterOrDigit);

    public static string SubjectOf(string id) => SettingsEditRules.TenantSubject + id;

    static string? Text(Tenant? tenant) =>
        tenant is null ? null : System.Text.Json.JsonSerializer.Serialize(tenant, CoreJson.Default.Tenant);
}
