// Spans of what a node does for its callers, and the context of calls (W3C trace context) that events keep. Costs next to nothing where
// nobody listens.
using System.Diagnostics;
using Purser.Core;

namespace Purser.Engine;

public static class Traces
{
    public const string SourceName = "Purser";

    /// <summary>Under this name the context of a call travels to the silo that serves it, whether anybody listens there or not.</summary>
    public const string Carried = "purser.traceparent";

    public static readonly ActivitySource Source = new(SourceName);

    /// <summary>The call that is served now, where somebody follows it: a listener here, or whoever sent its context.</summary>
    internal static Activity? Caller => Activity.Current is { IdFormat: ActivityIdFormat.W3C } now && (IsSent(now) || IsFollowed(now))
        ? now : null;

    /// <summary>Its context came from outside of this process.</summary>
    static bool IsSent(Activity activity) => activity is { Parent: null, ParentId: not null };

    static bool IsFollowed(Activity activity) => activity.Recorded && Source.HasListeners();

    /// <summary>The context of the call that is served now, as `traceparent` says it; null where nobody follows it.</summary>
    public static string? Context => Caller is { } caller ? ContextOf(caller) : null;

    /// <summary>Spans that nobody here sends anywhere are no part of what the caller sees: then its own is named.</summary>
    internal static string? ContextOf(Activity caller) => IsFollowed(caller) ? caller.Id : caller.ParentId;

    /// <summary>A span for work that several calls share: the first of them is its parent, the others are linked. Null where nobody
    /// listens, or where no call is behind it.</summary>
    internal static Activity? Begin(string name, IEnumerable<Activity?> callers)
    {
        if (!Source.HasListeners()) return null;
        var contexts = callers.OfType<Activity>().Select(caller => caller.Context).Distinct().ToList();
        return contexts.Count == 0 ? null : Source.StartActivity(name, ActivityKind.Internal, contexts[0],
            links: contexts.Skip(1).Select(context => new ActivityLink(context)));
    }

    /// <summary>A span for one question to the ledger, within the step that needs the answer.</summary>
    internal static Activity? OfLedger(string what, object ledger)
    {
        if (!Source.HasListeners() || Activity.Current is null) return null;
        var span = Source.StartActivity(what, ActivityKind.Client);
        span?.SetTag("purser.ledger", ledger.GetType().Name);
        return span;
    }

    /// <summary>A span for one call of a budget, by its way: `near`, a session in this process, or `grain`.</summary>
    public static Activity? OfCall(string way, BudgetCommand? command)
    {
        if (!Source.HasListeners() || Activity.Current is null) return null;
        var span = Source.StartActivity("purser.call", ActivityKind.Client);
        span?.SetTag("purser.way", way);
        if (command is not null) span?.SetTag("purser.command", Measures.NameOf(command));
        return span;
    }

    public static void Failed(this Activity? span, Exception why) => span?.SetStatus(ActivityStatusCode.Error, why.GetType().Name);

    /// <summary>What happens by time alone is no call's doing, though a call may be the first to notice it.</summary>
    internal static bool IsOfCall(BudgetEvent happened) =>
        happened is not (Expired or WindowReset or WindowOpened or OverrideBegan or OverrideEnded);
}
