// How limits, holds and accounts are shown. Reading changes nothing and announces nothing.
using NodaTime;

namespace Purser.Core;

static class ViewRules
{
    public static LimitView View(BudgetState state, in MatchingLimit match, Instant now) => View(state.Effective.StatusLevels, match, now);

    public static LimitView View(StatusLevels levels, in MatchingLimit match, Instant now)
    {
        var limit = match.Limit;
        var used = match.Settled;
        var percentUsed = Percent(used, match.Allowed);
        return new(
            limit.Id, limit.Unit, limit.Window, limit.Each is null && limit.Window.Kind != WindowKind.Session ? null : match.Key,
            match.Allowed is { } allowed ? new Quantity(limit.Unit, allowed) : null,
            new(limit.Unit, used), new(limit.Unit, match.Held),
            match.Allowed is { } most ? new Quantity(limit.Unit, Int128.Max(0, most - used - match.Held)) : null,
            percentUsed, Percent(used + match.Held, match.Allowed), Word(levels, percentUsed, match.Allowed),
            WindowStart(match), ResetsAt(match, now))
        {
            Enforcement = limit.Enforcement,
            GraceUntil = limit.Grace is not null && GraceRules.UntilIn(match.Counter, match.Span) is { } until && until > now
                ? until : null,
            CountedSince = match.State.CountedSince is { } since && CountsFrom(match, now) < since ? since : null,
        };
    }

    /// <summary>What happened since then belongs to the window. A session may have begun a while before the first of its calls that is
    /// known.</summary>
    static Instant CountsFrom(in MatchingLimit match, Instant now) => match.Limit.Window.Kind switch
    {
        WindowKind.Request => now,
        WindowKind.Rolling => now - match.Limit.Window.Length,
        WindowKind.Session => match.Span.Start - Calendar.SessionIdle,
        _ => match.Span.Start,
    };

    static Instant? WindowStart(in MatchingLimit match) => match.Limit.Window.Kind switch
    {
        WindowKind.Request or WindowKind.Lifetime or WindowKind.Rolling => null,
        // A session that has ended, or never began, has no window until its next call.
        WindowKind.Session when match.Counter is not { } counter || counter.Find(match.Span.Start) is null => null,
        _ => match.Span.Start,
    };

    static Instant? ResetsAt(in MatchingLimit match, Instant now)
    {
        switch (match.Limit.Window.Kind)
        {
            case WindowKind.Request:
            case WindowKind.Lifetime:
                return null;
            case WindowKind.Session:
            case WindowKind.Rolling:
                // The next moment at which something leaves.
                Instant? next = null;
                foreach (var slot in match.Counter?.Slots ?? [])
                    if (slot.Span.Contains(now) && (next is null || slot.Span.End < next))
                        next = slot.Span.End;
                return next;
            default:
                return match.Span.End;
        }
    }

    /// <summary>0-100 and above, cut (not rounded) to six decimals, so that 100 is shown only when it is reached.</summary>
    static decimal Percent(Int128 used, Int128? allowed) =>
        allowed is not { } amount ? 0
        : amount == 0 ? 100
        : used >= 0 && used <= amount && amount <= MostQuick ? Millionths(PartOf((long)used, (long)amount))
        : Millionths(Int128.Clamp(used * 100_000_000 / amount, -MostPercent, MostPercent));

    /// <summary>The same without 128 bits, which are slow to divide: four digits, and four more of the rest.</summary>
    static long PartOf(long used, long amount)
    {
        var (digits, rest) = Math.DivRem(used * 10_000, amount);
        return digits * 10_000 + rest * 10_000 / amount;
    }

    const long MostQuick = long.MaxValue / 10_000;

    /// <summary>A division by a million without dividing, and without trailing zeros: the percents of all limits are in every
    /// answer.</summary>
    static decimal Millionths(Int128 count)
    {
        if (count > long.MaxValue || count <= long.MinValue) return (decimal)count / 1_000_000m;
        var (whole, scale) = ((long)count, (byte)6);
        while (scale > 0 && whole % 10 == 0) (whole, scale) = (whole / 10, (byte)(scale - 1));
        var magnitude = Math.Abs(whole);
        return new((int)magnitude, (int)(magnitude >> 32), 0, whole < 0, scale);
    }

    /// <summary>Beyond any real use; above it an integer would not fit a decimal.</summary>
    static readonly Int128 MostPercent = (Int128)decimal.MaxValue;

    public static string Word(StatusLevels levels, decimal percentUsed, Int128? allowed)
    {
        // They ascend, and most limits are below the first.
        if (allowed is null || percentUsed < levels.Warning * 100m) return "healthy";
        return percentUsed >= levels.Exceeded * 100m ? "exceeded" : percentUsed >= levels.Critical * 100m ? "critical" : "warning";
    }

    static readonly string[] words = ["healthy", "warning", "critical", "exceeded"];

    public static LimitViews Views(BudgetState state, MatchingLimits matches, Instant now) =>
        new(state.Effective.StatusLevels, matches, now);

    /// <summary>The limits that a record falls under now.</summary>
    public static MatchingLimits Matches(BudgetState state, UsageRecord record, Settings settings, Instant now) =>
        Core.MatchingLimits.Of(state, record.Usage.Dimensions, Canonical(settings, record.Usage.Dimensions), now);

    public static ReservationView View(BudgetState state, Hold hold) => new(
        hold.Id, state.Account, hold.Reserved.Tokens, Money.Format(hold.Reserved.CostNanos), hold.Currency, hold.CreatedAt, hold.ExpiresAt,
            hold.State) { Attempt = hold.Attempt };

    public static Settlement View(BudgetState state, UsageRecord record, MatchingLimits matches, Instant now)
    {
        var (tokens, nanos) = (record.Amounts.Tokens, (Int128)record.Amounts.CostNanos);
        foreach (var line in record.Lines ?? []) (tokens, nanos) = (tokens + line.Tokens, nanos + line.CostNanos);
        return new(record.ReservationId, record.Id, tokens, Money.Format(nanos), record.Currency, record.PriceVersion,
            record.Unpriced || record.Lines?.Any(line => line.Unpriced) == true, record.Late, record.Overrun, Views(state, matches, now))
        {
            UnpricedParts = record.UnpricedParts,
            ServiceTier = record.RatedTier,
            Allowances = record.Allowances,
            ReportedCost = record.ReportedNanos is { } reported ? Money.Format(reported) : null,
            Disputed = record.Usage.Disputed,
            Unread = record.Usage.Unread,
            Lines = record.Lines,
        };
    }

    public static string? Canonical(Settings settings, Dimensions call) => settings.Prices.Find(call.Provider, call.Model)?.Canonical;

    public static OverrideView View(Override granted, LimitUnit unit, Instant now) => new(
        granted.Id, granted.Terms, unit, granted.CreatedAt,
        now >= granted.Terms.ExpiresAt ? "ended" : now < granted.Terms.StartsAt ? "scheduled" : "active");

    /// <summary>
    /// The account as it stands; its word is the worst of the limits that hold for all of it. Limits with `each` show every key that has a
    /// counter, each with a word of its own; a cursor is "limit number/key" of the last row.
    /// </summary>
    public static Outcome Status(BudgetState state, GetStatus query, Instant now)
    {
        if (!TryCursor(query.Cursor, out var afterNo, out var afterKey))
            return Outcome.Invalid("cursor", "is not one that this service gave");
        var views = new List<LimitView>();
        string? next = null;
        var worst = 0;
        var last = (No: 0, Key: "");
        foreach (var limit in state.Limits.Where(limit => limit.Limit.Mode != LimitMode.Off).OrderBy(limit => limit.No))
            foreach (var key in KeysOf(limit, now))
            {
                var match = Admission.Look(state, limit, key, now);
                var view = View(state, match, now);
                // A user or a session that has used up its own share says nothing about the account.
                if (!limit.IsKeyed) worst = Math.Max(worst, Array.IndexOf(words, view.Status));
                if (limit.No < afterNo || (limit.No == afterNo && keyOrder.Compare(key, afterKey) <= 0)) continue;
                if (views.Count < query.PageSize)
                {
                    views.Add(view);
                    last = (limit.No, key);
                }
                else next ??= $"{last.No}/{last.Key}";
            }
        var reserved = state.Holds.Values.Where(hold => hold.State == ReservationState.Active)
            .Aggregate(0L, (sum, hold) => sum + hold.Left.Tokens);
        if (!TryHold(query.HoldsAfter, out var from)) return Outcome.Invalid("cursor", "is not one that this service gave");
        var (holds, nextHold) = query.Holds > 0 ? OpenHolds(state, from, query.Holds) : (null, null);
        return Outcome.Done(new AccountStatus(
            state.Account, words[worst], state.Paused, state.PausedReason, views, next, state.ActiveHolds, reserved,
                OverrideRules.Views(state, now, ended: false)) { Holds = holds, NextHold = nextHold });
    }

    /// <summary>Open holds after a place, those that run out first; a place is "milliseconds/id" of the last row.</summary>
    static (IReadOnlyList<OpenHold> Holds, string? Next) OpenHolds(BudgetState state, (Instant ExpiresAt, string Id) after, int most)
    {
        var found = new List<OpenHold>();
        if (state.Deadlines.Count == 0 || state.Deadlines.Comparer.Compare(after, state.Deadlines.Max) >= 0) return (found, null);
        foreach (var (expiresAt, id) in state.Deadlines.GetViewBetween(after, state.Deadlines.Max))
        {
            if ((expiresAt, id) == after) continue;
            if (found.Count == most)
                return (found, string.Create(System.Globalization.CultureInfo.InvariantCulture,
                    $"{found[^1].Reservation.ExpiresAt.ToUnixTimeMilliseconds()}/{found[^1].Reservation.Id}"));
            var hold = state.Holds[id];
            found.Add(new(View(state, hold), hold.Dimensions, hold.Left));
        }
        return (found, null);
    }

    static bool TryHold(string? cursor, out (Instant ExpiresAt, string Id) place)
    {
        place = (Instant.FromUnixTimeMilliseconds(0), "");
        if (cursor is null) return true;
        if (cursor.Split('/', 2) is not [var millis, var id] || !long.TryParse(millis, System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out var at) || at > Instant.MaxValue.ToUnixTimeMilliseconds()) return false;
        place = (Instant.FromUnixTimeMilliseconds(at), id);
        return true;
    }

    static IEnumerable<string> KeysOf(LimitState limit, Instant now) =>
        limit.Limit.Each is null && limit.Limit.Window.Kind != WindowKind.Session
            ? [""]
            : limit.Counters.Where(counter => counter.Value.Slots.Exists(slot => slot.Span.Contains(now))).Select(counter => counter.Key)
                .Order(keyOrder);

    /// <summary>By code points, as ledgers order what they keep.</summary>
    static readonly Comparer<string> keyOrder = Comparer<string>.Create((a, b) =>
    {
        for (var i = 0; i < a.Length && i < b.Length; i++)
            if (a[i] != b[i])
                return char.IsSurrogate(a[i]) != char.IsSurrogate(b[i]) ? char.IsSurrogate(a[i]).CompareTo(char.IsSurrogate(b[i])) : a[i]
                    .CompareTo(b[i]);
        return a.Length.CompareTo(b.Length);
    });

    /// <summary>The last row that a page showed: limit number and key.</summary>
    public static bool TryCursor(string? cursor, out int no, out string key)
    {
        (no, key) = (0, "");
        if (cursor is null) return true;
        var slash = cursor.IndexOf('/', StringComparison.Ordinal);
        if (slash < 1 || !int.TryParse(cursor.AsSpan(0, slash), System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out no)) return false;
        key = cursor[(slash + 1)..];
        return true;
    }
}
