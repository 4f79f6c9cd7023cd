// What a policy would have meant for the calls of the last days: they are decided again under the policy in force and under another one,
// and where both say something else, that is told.
using NodaTime;
using Purser.Core;
using Purser.Engine;

namespace Purser.Answers;

public enum PreviewedKind { Hold, Extension, Record }

public enum PreviewChange { None, Refused, Degraded, LetThrough }

/// <summary>A call of the past, and what is decided about it under the policy in force and under the other one.</summary>
public sealed record PreviewedCall(
    string Id, PreviewedKind Kind, Instant At, Dimensions Dimensions, Amounts Amounts, PreviewDecision Before, PreviewDecision After)
{
    public PreviewChange Change => After.Verdict > Before.Verdict
        ? After.Verdict == PreviewVerdict.Refused ? PreviewChange.Refused : PreviewChange.Degraded
        : After.Verdict < Before.Verdict ? PreviewChange.LetThrough : PreviewChange.None;
}

/// <summary>How many calls, and what they asked for.</summary>
public sealed record PreviewSum(long Calls, Int128 Tokens, Int128 CostNanos)
{
    public static readonly PreviewSum None = new(0, 0, 0);

    public PreviewSum With(Amounts amounts) => new(Calls + 1, Tokens + amounts.Tokens, CostNanos + amounts.CostNanos);
}

/// <summary>The calls of one key: all of them, and those of which something else is decided.</summary>
public sealed record PreviewRow(string? Key, PreviewSum All, PreviewSum Refused, PreviewSum Degraded, PreviewSum LetThrough)
{
    public static PreviewRow Of(string? key) => new(key, PreviewSum.None, PreviewSum.None, PreviewSum.None, PreviewSum.None);

    public bool IsChanged => Refused.Calls + Degraded.Calls + LetThrough.Calls > 0;

    public PreviewRow With(PreviewedCall call) => this with
    {
        All = All.With(call.Amounts),
        Refused = call.Change == PreviewChange.Refused ? Refused.With(call.Amounts) : Refused,
        Degraded = call.Change == PreviewChange.Degraded ? Degraded.With(call.Amounts) : Degraded,
        LetThrough = call.Change == PreviewChange.LetThrough ? LetThrough.With(call.Amounts) : LetThrough,
    };
}

/// <summary>
/// <see cref="From"/> and <see cref="To"/> are what was looked at: less than was asked for where more happened than is looked at at once.
/// <see cref="Limits"/> are those that refuse a call under one of both policies; a call counts under each of them.
/// </summary>
public sealed record PolicyPreviewAnswer(
    string Account, Instant From, Instant To, bool IsComplete, Instant? CountedSince, string Currency, PreviewRow Sum,
    IReadOnlyList<PreviewSum> Before, IReadOnlyList<PreviewSum> After, IReadOnlyList<PreviewRow> Limits, IReadOnlyList<PreviewRow> Models,
    IReadOnlyList<PreviewRow> Users, IReadOnlyList<PreviewedCall> Calls);

public sealed class PolicyPreviews(IBudgetAuthority authority, IUsageQueries queries, LedgerClock clock)
{
    /// <summary>So many holds and records of the time are decided again, and so many from before it tell what was used by then.</summary>
    public const int MostSteps = 20_000;

    public const int MostDays = 31;
    const int PerPage = 500, MostRows = 50;
    static readonly Duration usual = Duration.FromDays(7);

    /// <summary>No record is dated before it: windows without a beginning need no other.</summary>
    static readonly Instant earliest = Instant.FromUtc(1900, 1, 1, 0, 0);

    /// <summary>Each takes a processor for a while: whoever asks while others are looked at waits. Of the whole process.</summary>
    static readonly SemaphoreSlim turns = new(2);

    /// <summary>May throw <see cref="AnswerRefusedException"/> and <see cref="LedgerUnavailableException"/>. <paramref name="calls"/>: how
    /// many of the calls that change are told one by one.</summary>
    public async Task<PolicyPreviewAnswer> OfAsync(string account, Policy policy, Instant? from, Instant? to, int calls,
        CancellationToken cancellation = default)
    {
        var now = clock.Until();
        var end = to is { } last && last < now ? last : now;
        var start = from ?? end - usual;
        if (start >= end) throw AnswerRefusedException.Invalid("from", "must be before `to`, and in the past");
        if (end - start > Duration.FromDays(MostDays))
            throw AnswerRefusedException.Invalid("from", $"must be at most {MostDays} days before `to`");
        await turns.WaitAsync(cancellation);
        try
        {
            var past = await PastAsync(account, start, end, cancellation);
            return await ReplayAsync(account, policy, past, calls, cancellation);
        }
        finally
        {
            turns.Release();
        }
    }

    sealed record Past(Instant From, Instant To, bool IsComplete, IReadOnlyList<(Instant At, BudgetEvent Event)> Steps);

    /// <summary>The holds from the beginning on, as many as are looked at, and the records from the end back.</summary>
    async Task<Past> PastAsync(string account, Instant from, Instant to, CancellationToken cancellation)
    {
        var (start, end) = (from, to);
        var holds = new List<BudgetEvent>();
        string? cursor = null;
        do
        {
            var page = await queries.HoldsAsync(account, from, to, cursor, PerPage, cancellation);
            holds.AddRange(page.Items.Select(item => item.Event).Where(happened => happened.At >= from && happened.At < to));
            cursor = holds.Count < MostSteps ? page.Next : null;
            if (holds.Count >= MostSteps) end = holds[^1].At;
        }
        while (cursor is not null);
        var records = new List<UsageRecord>();
        do
        {
            var page = await queries.FindAsync(new() { Account = account, From = from, To = end }, cursor, PerPage, cancellation);
            records.AddRange(page.Items.Select(item => item.Record));
            cursor = records.Count < MostSteps ? page.Next : null;
            if (page.Next is not null && cursor is null) start = records[^1].At + Duration.FromMilliseconds(1);
        }
        while (cursor is not null);
        // A ledger takes what was erased out of its records after a while.
        var erasures = await AuditTrail.ErasuresAsync(queries, account);
        var left = records.ConvertAll(record => AuditTrail.LeftOf(record, 0, erasures)).OfType<UsageRecord>().ToList();
        var leftHolds = LeftOf(holds, [.. erasures.Select(one => one.Erased)]);
        return new(start, end, start == from && end == to, StepsOf(leftHolds, left, start, end));
    }

    /// <summary>Holds without what was erased, and without the person where they became anonymous: what they used is gone, or says no
    /// more.</summary>
    static List<BudgetEvent> LeftOf(List<BudgetEvent> holds, UsageErased[] erasures)
    {
        if (erasures.Length == 0) return holds;
        var gone = holds.OfType<Held>().Where(held => erasures.Any(erased => !erased.Anonymizes && erased.IsAbout(held)))
            .Select(held => held.Id).ToHashSet(StringComparer.Ordinal);
        return [.. holds.Where(happened => !gone.Contains(IdOf(happened))).Select(happened =>
            happened is Held held && erasures.Any(erased => erased.IsAbout(held)) ? held with { Dimensions = held.Dimensions.Anonymous() }
                : happened)];

        static string IdOf(BudgetEvent happened) => happened switch
        {
            Held held => held.Id,
            HoldExtended extended => extended.ReservationId,
            Released released => released.ReservationId,
            Expired expired => expired.ReservationId,
            _ => "",
        };
    }

    /// <summary>In the order of time. A record of a hold that is known is what the hold used; any other is a call of its own.</summary>
    static List<(Instant, BudgetEvent)> StepsOf(List<BudgetEvent> holds, List<UsageRecord> records, Instant from, Instant to)
    {
        var taken = holds.Where(happened => happened.At >= from && happened.At < to).ToList();
        var known = taken.OfType<Held>().Select(held => held.Id).ToHashSet(StringComparer.Ordinal);
        var steps = taken.ConvertAll(happened => (happened.At, happened));
        // Oldest first, and of one time in the order of booking.
        foreach (var record in records.AsEnumerable().Reverse().Where(record => record.At >= from))
        {
            var follows = record.IsAdjusting || record.LineOf is not null || (record.ReservationId is { } hold && !known.Add(hold));
            var at = follows ? Instant.Max(record.At, record.BookedAt) : record.At;
            if (at < to) steps.Add((at, follows && record.ReservationId is not null && record.Corrects is null
                ? new Settled(record, []) { At = at } : new Recorded(record, []) { At = at }));
        }
        return [.. steps.OrderBy(step => step.At)];
    }

    async Task<PolicyPreviewAnswer> ReplayAsync(string account, Policy policy, Past past, int calls, CancellationToken cancellation)
    {
        var known = await authority.SendAsync(account, new GetPolicy(), cancellation);
        if (known.Answer is not PolicyView inForce) throw new AnswerRefusedException(known);
        var listed = await authority.SendAsync(account, new ListOverrides(), cancellation);
        if (listed.Answer is not OverrideList { Items: var overrides }) throw new AnswerRefusedException(listed);
        var settings = await authority.SettingsAsync();
        var currency = inForce.Effective.Currency;
        PolicyPreview Under(Policy one) => new(account, one, currency, overrides, settings, past.From);
        var (before, after) = (Under(inForce.Policy), Under(policy));
        var gone = await FillAsync(account, before, after, past.From, cancellation);
        before.Begin(gone);
        if (after.Begin(gone) is { Status: not OutcomeStatus.Done } wrong) throw new AnswerRefusedException(wrong);
        var tally = new PreviewTally(calls);
        foreach (var (at, happened) in past.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            if (before.Take(happened, at) is var was && after.Take(happened, at) is var becomes && (was ?? becomes) is not null)
                tally.Add(CallOf(happened, at, was, becomes));
        }
        return new(account, past.From, past.To, past.IsComplete, after.CountedSince, currency, tally.Sum, tally.Before, tally.After,
            Rows(tally.Limits), Rows(tally.Models), Rows(tally.Users), tally.Calls);
    }

    /// <summary>What was used before the beginning, as far as windows reach back; since when that is known.</summary>
    async Task<Instant?> FillAsync(string account, PolicyPreview before, PolicyPreview after, Instant from, CancellationToken cancellation)
    {
        var gone = await queries.KeptSinceAsync(cancellation);
        var first = Instant.Min(before.RecordsFrom, after.RecordsFrom);
        if (first >= from) return gone;
        var (looked, cursor) = (0, (string?)null);
        do
        {
            var page = await queries.FindAsync(new()
            {
                Account = account, From = first < earliest ? null : first, To = from,
            }, cursor, PerPage, cancellation);
            foreach (var (_, record) in page.Items)
            {
                before.Before(record);
                after.Before(record);
            }
            (looked, cursor) = (looked + page.Items.Count, page.Next);
            if (looked >= MostSteps && cursor is not null) return page.Items[^1].Record.At;
        }
        while (cursor is not null);
        return gone;
    }

    /// <summary>A hold that one of both refuses is not extended there: nothing more is refused.</summary>
    static PreviewedCall CallOf(BudgetEvent happened, Instant at, PreviewDecision? before, PreviewDecision? after)
    {
        var (id, kind, dimensions, amounts) = happened switch
        {
            Held held => (held.Id, PreviewedKind.Hold, held.Dimensions, held.Amounts),
            HoldExtended more => (more.ReservationId, PreviewedKind.Extension, more.Dimensions ?? Dimensions.None, more.Added),
            Recorded { Record: var record } => (record.Id, PreviewedKind.Record, record.Usage.Dimensions, record.Amounts),
            _ => throw new System.Diagnostics.UnreachableException($"{happened.GetType().Name} is no call"),
        };
        var one = before ?? after!;
        return new(id, kind, at, dimensions, amounts, before ?? one, after ?? one);
    }

    static PreviewRow[] Rows(Dictionary<string, PreviewRow> rows) =>
    [
        .. rows.Values.OrderByDescending(row => row.Refused.Calls).ThenByDescending(row => row.Degraded.Calls)
            .ThenByDescending(row => row.LetThrough.Calls).ThenByDescending(row => row.All.Calls)
                .ThenBy(row => row.Key, StringComparer.Ordinal)
            .Take(MostRows),
    ];
}

/// <summary>Adds up what was decided. Calls without a user or a model count under none.</summary>
sealed class PreviewTally(int mostCalls)
{
    const string None = "\0";

    public PreviewRow Sum { get; private set; } = PreviewRow.Of(null);

    /// <summary>By <see cref="PreviewVerdict"/>.</summary>
    public PreviewSum[] Before { get; } = [PreviewSum.None, PreviewSum.None, PreviewSum.None];
    public PreviewSum[] After { get; } = [PreviewSum.None, PreviewSum.None, PreviewSum.None];
    public Dictionary<string, PreviewRow> Limits { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, PreviewRow> Models { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, PreviewRow> Users { get; } = new(StringComparer.Ordinal);
    public List<PreviewedCall> Calls { get; } = [];

    public void Add(PreviewedCall call)
    {
        Sum = Sum.With(call);
        Before[(int)call.Before.Verdict] = Before[(int)call.Before.Verdict].With(call.Amounts);
        After[(int)call.After.Verdict] = After[(int)call.After.Verdict].With(call.Amounts);
        foreach (var limit in call.Before.Limits.Union(call.After.Limits)) Add(Limits, limit, call);
        Add(Models, call.Dimensions.Model, call);
        Add(Users, call.Dimensions.User, call);
        if (call.Change != PreviewChange.None && Calls.Count < mostCalls) Calls.Add(call);
    }

    static void Add(Dictionary<string, PreviewRow> rows, string? key, PreviewedCall call) =>
        rows[key ?? None] = (rows.GetValueOrDefault(key ?? None) ?? PreviewRow.Of(key)).With(call);
}
