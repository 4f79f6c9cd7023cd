// What the auditor knows of an account: plain lists of what was booked and what is held, and its own arithmetic of windows. It shares no
// code with the rules beyond the events, and the names of limits, units and amounts.
using Purser.Core;

namespace Purser.Conformance.Simulation;

public sealed class Book
{
    /// <summary>What was taken at one moment. <see cref="SessionFrom"/>: when the session's window began that it was taken in.</summary>
    public sealed record Hold(string Id, long At, string? User, string? Session, long SessionFrom)
    {
        public Amounts Left { get; set; }
    }

    /// <summary><see cref="SessionFrom"/>: the session's window that it counts in; null where it counts in none.</summary>
    public sealed record Entry(UsageRecord Record, long At, string? User, string? Session, long? SessionFrom)
    {
        public Amounts Amounts => Record.Amounts;
    }

    const long Day = 86_400_000, SessionIdle = Day;

    /// <summary>The windows of sessions: from the first call on, until a day after the last one or until it is closed.</summary>
    readonly Dictionary<string, (long From, long Until)> sessions = [];

    public List<Entry> Booked { get; } = [];
    public List<Hold> Holds { get; } = [];
    public IReadOnlyList<Limit> Limits { get; private set; } = [];
    public List<(string Id, OverrideTerms Terms, long From, long Until)> Raises { get; } = [];
    public long Now { get; private set; }

    public void Take(BudgetEvent happened)
    {
        Now = Math.Max(Now, happened.At.ToUnixTimeMilliseconds());
        switch (happened)
        {
            case PolicyChanged { Effective: var effective }:
                Limits = [.. effective.Limits.Select(numbered => numbered.Limit)];
                break;
            case Held held:
                Holding(held.Id, held.Dimensions, held.Amounts with { Requests = 1 });
                break;
            case HoldExtended extended:
                // Amounts added later count in the windows of their own moment.
                var first = Holds.Find(hold => hold.Id == extended.ReservationId);
                if (extended.Added != default)
                    Holding(extended.ReservationId, extended.Dimensions ?? new() { User = first?.User, Session = first?.Session },
                        extended.Added);
                break;
            case Released released:
                Holds.RemoveAll(hold => hold.Id == released.ReservationId);
                break;
            case Expired expired:
                Holds.RemoveAll(hold => hold.Id == expired.ReservationId);
                if (expired.Charge is { } charge) Write(charge);
                break;
            case Recorded recorded:
                Write(recorded.Record);
                break;
            case Settled settled:
                Write(settled.Record);
                if (settled.Record.Final || settled.Record.Kind == RecordKind.Unknown)
                    Holds.RemoveAll(hold => hold.Id == settled.Record.ReservationId);
                else Shrink(settled.Record.ReservationId!, settled.Record.Amounts);
                break;
            case OverrideAdded added:
                Raises.Add((added.Id, added.Terms, added.Terms.StartsAt?.ToUnixTimeMilliseconds() ?? 0,
                    added.Terms.ExpiresAt.ToUnixTimeMilliseconds()));
                break;
            case OverrideRemoved removed:
                Raises.RemoveAll(raise => raise.Id == removed.Id);
                break;
            case SessionClosed closed:
                sessions.Remove(closed.Session);
                break;
        }
    }

    void Holding(string id, Dimensions call, Amounts amounts) =>
        Holds.Add(new(id, Now, call.User, call.Session, Called(call.Session)) { Left = amounts });

    /// <summary>A call of a session: it begins its window or prolongs it. The answer is when the window began.</summary>
    long Called(string? session)
    {
        var from = sessions.TryGetValue(session ?? "", out var known) && Now < known.Until ? known.From : Now;
        sessions[session ?? ""] = (from, Now + SessionIdle);
        return from;
    }

    void Write(UsageRecord record)
    {
        var call = record.Usage.Dimensions;
        var at = record.At.ToUnixTimeMilliseconds();
        // What is about another record counts where that one does, and is no call.
        long? session = !record.IsAdjusting ? Called(call.Session)
            : sessions.TryGetValue(call.Session ?? "", out var known) && Now < known.Until
                && known.From <= (record.ChargedAt?.ToUnixTimeMilliseconds() ?? long.MaxValue) ? known.From : null;
        Booked.Add(new(record, at, call.User, call.Session, session));
    }

    void Shrink(string id, Amounts amounts)
    {
        foreach (var hold in Holds.Where(hold => hold.Id == id))
        {
            var part = new Amounts(Math.Min(hold.Left.Tokens, amounts.Tokens), Math.Min(hold.Left.InputTokens, amounts.InputTokens),
                Math.Min(hold.Left.OutputTokens, amounts.OutputTokens), Math.Min(hold.Left.CostNanos, amounts.CostNanos),
                Math.Min(hold.Left.Requests, amounts.Requests));
            hold.Left = Less(hold.Left, part);
            amounts = Less(amounts, part);
        }
    }

    static Amounts Less(Amounts from, Amounts part) => new(from.Tokens - part.Tokens, from.InputTokens - part.InputTokens,
        from.OutputTokens - part.OutputTokens, from.CostNanos - part.CostNanos, from.Requests - part.Requests);

    public static long Of(Amounts amounts, LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => amounts.Tokens,
        LimitUnit.InputTokens => amounts.InputTokens,
        LimitUnit.OutputTokens => amounts.OutputTokens,
        LimitUnit.Cost => amounts.CostNanos,
        _ => amounts.Requests,
    };

    /// <summary>The counter of a limit that a call falls on.</summary>
    public static string KeyOf(Limit limit, string? user, string? session) =>
        limit.Window.Kind == WindowKind.Session ? session ?? "" : limit.Each is null ? "" : user ?? "";

    /// <summary>What is left of a limit for a call at a moment; null where it does not bind.</summary>
    public Int128? Left(Limit limit, string key, long at) =>
        limit.Enforcement == Enforcement.Soft || limit.Mode != LimitMode.Enforce || Allowed(limit, at) is not { } amount
            ? null : limit.Window.Kind == WindowKind.Request ? amount : amount - SettledIn(limit, key, at) - HeldIn(limit, key, at);

    /// <summary>The amount of a limit with the raises in force; null where it is unlimited.</summary>
    public Int128? Allowed(Limit limit, long at)
    {
        if (limit.Amount is not { } amount) return null;
        Int128 allowed = amount;
        foreach (var (_, terms, from, until) in Raises)
            if (terms.LimitId == limit.Id && from <= at && at < until)
                allowed += terms.Additional;
        return allowed;
    }

    /// <summary>What was booked for a key in the window that holds a moment.</summary>
    public Int128 SettledIn(Limit limit, string key, long at)
    {
        Int128 sum = 0;
        foreach (var entry in Booked)
            if (KeyOf(limit, entry.User, entry.Session) == key && Counts(limit, entry.At, entry.Session, entry.SessionFrom, at))
                sum += Of(entry.Amounts, limit.Unit);
        return sum;
    }

    public Int128 HeldIn(Limit limit, string key, long at)
    {
        Int128 sum = 0;
        foreach (var hold in Holds)
            if (KeyOf(limit, hold.User, hold.Session) == key && Counts(limit, hold.At, hold.Session, hold.SessionFrom, at))
                sum += Of(hold.Left, limit.Unit);
        return sum;
    }

    bool Counts(Limit limit, long when, string? session, long? sessionFrom, long at) => limit.Window.Kind switch
    {
        WindowKind.Session => sessionFrom is { } from && sessions.TryGetValue(session ?? "", out var known) && known.From == from
            && at < known.Until,
        WindowKind.Rolling => StepOf(limit, when) is var step && step.From <= at && at < step.Until,
        _ => WindowOf(limit, when) == WindowOf(limit, at),
    };

    /// <summary>A rolling window is kept in sixty steps; a whole step counts until all of it has left the window.</summary>
    static (long From, long Until) StepOf(Limit limit, long when)
    {
        var length = (long)limit.Window.Length.TotalMilliseconds;
        var step = (length + 59) / 60;
        return (when / step * step, when / step * step + step + length);
    }

    /// <summary>When the calendar window of a moment began, in UTC, where weeks begin on Mondays; 0 for one that never ends.</summary>
    public static long WindowOf(Limit limit, long at)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(at);
        long Month(int month) => new DateTimeOffset(day.Year, month, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
        return limit.Window.Kind switch
        {
            WindowKind.Minute => at / 60_000 * 60_000,
            WindowKind.Hour => at / 3_600_000 * 3_600_000,
            WindowKind.Day => at / Day * Day,
            // The epoch began on a Thursday.
            WindowKind.Week => (at / Day + 3) / 7 * 7 * Day - 3 * Day,
            WindowKind.Month => Month(day.Month),
            WindowKind.Quarter => Month((day.Month - 1) / 3 * 3 + 1),
            WindowKind.Year => Month(1),
            _ => 0,
        };
    }

    static long NextWindow(Limit limit, long window)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(window);
        return limit.Window.Kind switch
        {
            WindowKind.Minute => window + 60_000,
            WindowKind.Hour => window + 3_600_000,
            WindowKind.Day => window + Day,
            WindowKind.Week => window + 7 * Day,
            WindowKind.Month => day.AddMonths(1).ToUnixTimeMilliseconds(),
            WindowKind.Quarter => day.AddMonths(3).ToUnixTimeMilliseconds(),
            WindowKind.Year => day.AddYears(1).ToUnixTimeMilliseconds(),
            _ => long.MaxValue,
        };
    }

    /// <summary>From one moment to another: both, and those between at which time alone changes what is left of a limit.</summary>
    public IEnumerable<long> Moments(Limit limit, long from, long to)
    {
        yield return from;
        if (from == to) yield break;
        switch (limit.Window.Kind)
        {
            case WindowKind.Session:
                foreach (var (_, until) in sessions.Values)
                    if (until > from && until < to) yield return until;
                break;
            case WindowKind.Rolling:
                foreach (var when in Booked.Select(entry => entry.At).Concat(Holds.Select(hold => hold.At)).Distinct())
                {
                    var (begins, ends) = StepOf(limit, when);
                    if (begins > from && begins < to) yield return begins;
                    if (ends > from && ends < to) yield return ends;
                }
                break;
            case WindowKind.Request or WindowKind.Lifetime:
                break;
            default:
                for (var window = NextWindow(limit, WindowOf(limit, from)); window <= to; window = NextWindow(limit, window))
                    yield return window;
                break;
        }
        foreach (var (_, _, begins, ends) in Raises)
            foreach (var moment in new[] { begins, ends })
                if (moment > from && moment < to) yield return moment;
        yield return to;
    }
}
