// Whose call it is: given by the application around it, or found in the trace that it belongs to.
using System.Diagnostics;

namespace Purser.Client;

/// <summary>The account that pays, and the dimensions that say for whom.</summary>
public sealed record CallOrigin
{
    public string? Account { get; init; }
    public string? Orchestrator { get; init; }
    public string? User { get; init; }
    public string? Tenant { get; init; }
    public string? Session { get; init; }
    public string? Tool { get; init; }
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>This origin where it says something, the other one where it does not. Tags of both hold.</summary>
    public CallOrigin Over(CallOrigin? beneath) => beneath is null ? this : new()
    {
        Account = Account ?? beneath.Account,
        Orchestrator = Orchestrator ?? beneath.Orchestrator,
        User = User ?? beneath.User,
        Tenant = Tenant ?? beneath.Tenant,
        Session = Session ?? beneath.Session,
        Tool = Tool ?? beneath.Tool,
        Tags = Both(Tags, beneath.Tags),
    };

    internal static IReadOnlyDictionary<string, string>? Both(
        IReadOnlyDictionary<string, string>? over, IReadOnlyDictionary<string, string>? beneath)
    {
        if (over is null || beneath is null) return over ?? beneath;
        var both = new Dictionary<string, string>(beneath);
        foreach (var (name, value) in over) both[name] = value;
        return both;
    }

    /// <summary>
    /// From the baggage of the current activity, which crosses processes with a request: `purser.account`, `purser.user`,
    /// `purser.session`, `purser.tenant`, `purser.orchestrator`, `purser.tool`, and `purser.tags.NAME`.
    /// </summary>
    public static CallOrigin OfBaggage()
    {
        if (Activity.Current is not { } activity) return nobody;
        Dictionary<string, string>? tags = null;
        foreach (var (name, value) in activity.Baggage)
            if (value is not null && name.StartsWith(tagPrefix, StringComparison.Ordinal))
                (tags ??= []).TryAdd(name[tagPrefix.Length..], value);
        return new()
        {
            Account = activity.GetBaggageItem("purser.account"),
            Orchestrator = activity.GetBaggageItem("purser.orchestrator"),
            User = activity.GetBaggageItem("purser.user"),
            Tenant = activity.GetBaggageItem("purser.tenant"),
            Session = activity.GetBaggageItem("purser.session"),
            Tool = activity.GetBaggageItem("purser.tool"),
            Tags = tags,
        };
    }

    const string tagPrefix = "purser.tags.";
    static readonly CallOrigin nobody = new();

    internal Estimate On(Estimate estimate) => estimate with
    {
        Orchestrator = estimate.Orchestrator ?? Orchestrator,
        User = estimate.User ?? User,
        Tenant = estimate.Tenant ?? Tenant,
        Session = estimate.Session ?? Session,
        Tool = estimate.Tool ?? Tool,
        Tags = Both(estimate.Tags, Tags),
    };
}

/// <summary>What holds for every call inside of it, across awaits and threads.</summary>
public static class BudgetScope
{
    static readonly AsyncLocal<Frame?> current = new();

    internal sealed record Frame(CallOrigin Origin, BudgetSession? Session, BudgetPurse? Purse);

    internal static Frame? Current => current.Value;

    /// <summary>Calls until the answer is disposed are of this origin, over that of the scopes around.</summary>
    public static IDisposable Begin(CallOrigin origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        return Enter(origin, null, null);
    }

    internal static IDisposable Enter(CallOrigin origin, BudgetSession? session, BudgetPurse? purse)
    {
        var around = current.Value;
        current.Value = new(origin.Over(around?.Origin), session ?? around?.Session, purse ?? around?.Purse);
        return new Leaving(around);
    }

    sealed class Leaving(Frame? around) : IDisposable
    {
        int left;

        /// <summary>Once: what is around by a second time is another scope.</summary>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0) current.Value = around;
        }
    }
}
