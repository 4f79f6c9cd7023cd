// Judges a run from the outside: its own plain model of a budget, fed by the journal and by what callers were told. It shares no code
// with the rules beyond the events and commands.
using Purser.Core;
using Purser.Engine;

namespace Purser.Conformance.Simulation;

/// <summary>One command as a caller saw it: what was sent, when (in journal versions), and what came back.</summary>
public sealed record Exchange(string Account, BudgetCommand Command, long VersionSent, long VersionAnswered, long MillisSent,
    long MillisAnswered, Outcome Outcome);

public sealed class Auditor
{
    readonly string account;
    readonly IReadOnlyList<JournalEntry> journal;
    readonly IReadOnlyList<Exchange> exchanges;
    readonly List<string> findings = [];

    Auditor(string account, IReadOnlyList<JournalEntry> journal, IReadOnlyList<Exchange> exchanges) =>
        (this.account, this.journal, this.exchanges) = (account, journal, exchanges);

    public static IReadOnlyList<string> Audit(string account, IReadOnlyList<JournalEntry> journal, IReadOnlyList<Exchange> exchanges)
    {
        var auditor = new Auditor(account, journal, [.. exchanges.Where(exchange => exchange.Account == account)]);
        auditor.Admissions();
        auditor.Acknowledgements();
        auditor.Repetitions();
        auditor.Refusals();
        auditor.Thresholds();
        auditor.Signs();
        auditor.TakenBack();
        return auditor.findings;
    }

    void Found(string what) => findings.Add($"{account}: {what}");

    /// <summary>
    /// Every ratio that is reached is announced: after each entry, for what it booked in the current window; and after a change of limits
    /// for the limits with one counter. None is announced that is not reached, none twice unless a raise armed it anew, none of a window
    /// that has ended.
    /// </summary>
    void Thresholds()
    {
        var book = new Book();
        var announced = new Dictionary<(int No, string Key), (long Window, HashSet<decimal> Ratios)>();
        IReadOnlyList<NumberedLimit> limits = [];
        foreach (var entry in journal)
        {
            // A change of limits looks at those with one counter; the other counters are looked at when something is booked on them after
            // it.
            var booked = new List<UsageRecord>();
            var all = false;
            foreach (var happened in entry.Events)
            {
                book.Take(happened);
                if (happened is PolicyChanged { Effective: var effective })
                {
                    limits = effective.Limits;
                    booked.Clear();
                }
                all |= happened is PolicyChanged or OverrideAdded or OverrideRemoved or OverrideBegan or OverrideEnded;
                if (Append.RecordOf(happened) is { } record && record.At.ToUnixTimeMilliseconds() <= book.Now) booked.Add(record);
                if (happened is ThresholdCrossed crossed) Announced(book, limits, announced, crossed, entry.Version);
                if (happened is ThresholdRearmed rearmed && announced.TryGetValue((rearmed.No, rearmed.Key), out var known))
                    known.Ratios.RemoveWhere(ratio => ratio > rearmed.Above);
            }
            foreach (var (no, limit) in limits.Where(numbered => IsCalendar(numbered.Limit)))
                foreach (var key in limit.Each is null ? [""] : booked.Select(record => record.Usage.Dimensions.User ?? "").Distinct())
                {
                    var changed = all && limit.Each is null;
                    // A booking for another window of the limit does not look at this one.
                    if (!changed && !booked.Exists(record => InWindow(limit, key, record, book.Now))) continue;
                    if (book.Allowed(limit, book.Now) is not { } allowed) continue;
                    var settled = book.SettledIn(limit, key, book.Now);
                    foreach (var threshold in limit.Thresholds ?? EffectivePolicy.DefaultThresholds)
                    {
                        if (settled <= 0 || (decimal)settled < threshold.Ratio * (decimal)allowed) continue;
                        var known = announced.TryGetValue((no, key), out var found) && found.Window == Book.WindowOf(limit, book.Now)
                            && found.Ratios.Contains(threshold.Ratio);
                        if (!known)
                            Found($"entry {entry.Version} reaches {threshold.Ratio} of limit '{limit.Id}' for '{key}' ({settled} of "
                                + $"{allowed}) and it was not announced");
                    }
                }
        }
    }

    /// <summary>Rolling windows and sessions arm anew by rules of their own: of them only what was announced is judged.</summary>
    static bool IsCalendar(Limit limit) => limit.Window.Kind is not (WindowKind.Rolling or WindowKind.Session or WindowKind.Request);

    static bool InWindow(Limit limit, string key, UsageRecord record, long now) =>
        Book.WindowOf(limit, record.At.ToUnixTimeMilliseconds()) == Book.WindowOf(limit, now)
            && (limit.Each is null || (record.Usage.Dimensions.User ?? "") == key);

    void Announced(
        Book book, IReadOnlyList<NumberedLimit> limits, Dictionary<(int, string), (long Window, HashSet<decimal> Ratios)> announced,
            ThresholdCrossed crossed, long version)
    {
        if (limits.FirstOrDefault(numbered => numbered.No == crossed.No)?.Limit is not { } limit)
        {
            Found($"entry {version} announces a limit {crossed.No} that is not in force");
            return;
        }
        var (window, at) = (Book.WindowOf(limit, book.Now), crossed.At.ToUnixTimeMilliseconds());
        if (!crossed.Window.Contains(crossed.At) || Book.WindowOf(limit, at) != window)
            Found($"entry {version} announces {crossed.Ratio} of limit '{limit.Id}' in a window that is not the current one");
        if (!announced.TryGetValue((crossed.No, crossed.Key), out var known) || known.Window != window)
            announced[(crossed.No, crossed.Key)] = known = (window, []);
        if (!known.Ratios.Add(crossed.Ratio) && IsCalendar(limit))
            Found($"entry {version} announces {crossed.Ratio} of limit '{limit.Id}' for '{crossed.Key}' again");
        var settled = book.SettledIn(limit, crossed.Key, at);
        if (book.Allowed(limit, at) is not { } allowed || (decimal)settled < crossed.Ratio * (decimal)allowed)
            Found($"entry {version} announces {crossed.Ratio} of limit '{limit.Id}' for '{crossed.Key}', of which {settled} is settled");
    }

    /// <summary>No hard limit is passed by any admission.</summary>
    void Admissions()
    {
        var book = new Book();
        foreach (var entry in journal)
            foreach (var happened in entry.Events)
            {
                if (happened.At.ToUnixTimeMilliseconds() < book.Now) Found($"time ran backwards in entry {entry.Version}");
                var (amounts, call) = happened switch
                {
                    Held held => (held.Amounts with { Requests = 1 }, held.Dimensions),
                    HoldExtended extended => (extended.Added, extended.Dimensions ?? CallOf(book, extended.ReservationId)),
                    _ => (default, Dimensions.None),
                };
                var at = Math.Max(book.Now, happened.At.ToUnixTimeMilliseconds());
                if (amounts != default)
                    foreach (var limit in book.Limits)
                    {
                        var requested = Book.Of(amounts, limit.Unit);
                        var key = Book.KeyOf(limit, call.User, call.Session);
                        if (requested > 0 && book.Left(limit, key, at) is { } left && requested > left)
                            Found($"entry {entry.Version} admits {requested} where {left} of limit '{limit.Id}' ({limit.Window}) for "
                                + $"'{key}' were left");
                    }
                book.Take(happened);
            }
    }

    static Dimensions CallOf(Book book, string id) => book.Holds.Find(hold => hold.Id == id) is { } hold
        ? new() { User = hold.User, Session = hold.Session } : Dimensions.None;

    /// <summary>Whatever is about a record never takes more off than it has, and what was taken back whole counts for nothing.</summary>
    void TakenBack()
    {
        var (left, voided) = (new Dictionary<string, Amounts>(), new HashSet<string>());
        foreach (var entry in journal)
            foreach (var record in entry.Events.Select(Append.RecordOf).OfType<UsageRecord>())
            {
                if (record.Corrects is not { } about)
                {
                    left[record.Id] = record.Amounts;
                    continue;
                }
                if (voided.Contains(about)) Found($"entry {entry.Version} changes usage '{about}', which was taken back");
                if (!left.TryGetValue(about, out var before))
                {
                    Found($"entry {entry.Version} is about usage '{about}', which was not booked");
                    continue;
                }
                var after = left[about] = new(before.Tokens + record.Amounts.Tokens, before.InputTokens + record.Amounts.InputTokens,
                    before.OutputTokens + record.Amounts.OutputTokens, before.CostNanos + record.Amounts.CostNanos,
                    before.Requests + record.Amounts.Requests);
                if (after is { Tokens: < 0 } or { InputTokens: < 0 } or { OutputTokens: < 0 } or { CostNanos: < 0 } or { Requests: < 0 })
                    Found($"entry {entry.Version} takes more off usage '{about}' than it counts for: {after} are left");
                if (record.Kind != RecordKind.Void) continue;
                voided.Add(about);
                if (after != default) Found($"entry {entry.Version} takes usage '{about}' back, and {after} of it still count");
            }
    }

    /// <summary>No limit begins with less than nothing, and nothing less than nothing is held.</summary>
    void Signs()
    {
        foreach (var entry in journal)
            foreach (var happened in entry.Events)
                switch (happened)
                {
                    case PolicyChanged { Seeds: var seeds } when seeds.Any(seed => seed.Settled < 0):
                        Found($"entry {entry.Version} begins a limit below nothing: {seeds.First(seed => seed.Settled < 0)}");
                        break;
                    case Held { Amounts: var amounts } when IsNegative(amounts): Found($"entry {entry.Version} holds {amounts}"); break;
                    case HoldExtended { Added: var added } when IsNegative(added): Found(
                        $"entry {entry.Version} holds {added} more"); break;
                }

        static bool IsNegative(Amounts amounts) => Amounts.Min(amounts, default) != default;
    }

    /// <summary>Everything acknowledged is in the journal, once; and nothing is in it twice.</summary>
    void Acknowledgements()
    {
        var events = journal.SelectMany(entry => entry.Events).ToList();
        var identities = events.Select(Identity).OfType<string>().GroupBy(id => id).ToDictionary(group => group.Key, group =>
            group.Count());
        foreach (var (id, count) in identities)
            if (count > 1) Found($"{id} is in the journal {count} times");
        foreach (var exchange in exchanges.Where(exchange => exchange.Outcome.Status == OutcomeStatus.Done))
        {
            var id = exchange.Command switch
            {
                Reserve reserve => "hold " + reserve.Id,
                Settle settle => "usage " + settle.Id,
                Record record => "usage " + record.Id,
                Extend extend => "extension " + extend.Id,
                AddOverride add => "override " + add.Id,
                Credit credit => "usage " + credit.Id,
                VoidUsage or CorrectUsage => exchange.Outcome.Answer is Adjusted { AdjustmentId: { } adjustment }
                    ? "usage " + adjustment : null,
                _ => null,
            };
            if (id is not null && !identities.ContainsKey(id)) Found($"{id} was acknowledged and is not in the journal");
            if (exchange.Command is Release release
                && !events.Exists(happened => happened is Released r && r.ReservationId == release.ReservationId
                    || happened is Expired e && e.ReservationId == release.ReservationId))
                Found($"the release of {release.ReservationId} was acknowledged and is not in the journal");
        }
        var expected = 0L;
        foreach (var entry in journal)
            if (entry.Version != ++expected) Found($"entry {entry.Version} stands where {expected} should");
    }

    static string? Identity(BudgetEvent happened) => happened switch
    {
        Held held => "hold " + held.Id,
        Settled settled => "usage " + settled.Record.Id,
        Recorded recorded => "usage " + recorded.Record.Id,
        Expired { Charge: { } charge } => "usage " + charge.Id,
        HoldExtended extended => "extension " + extended.Id,
        OverrideAdded added => "override " + added.Id,
        // A session that is closed and goes on in the same second is another window.
        ThresholdCrossed crossed =>
            $"threshold {crossed.No} {crossed.Key} {crossed.Window.Start.ToUnixTimeTicks()} {crossed.Ratio} {crossed.Arming}",
        _ => null,
    };

    /// <summary>One id, one answer.</summary>
    void Repetitions()
    {
        foreach (var same in exchanges.Where(exchange => exchange is { Outcome.Status: OutcomeStatus.Done, Command: IdentifiedCommand })
            .GroupBy(exchange => exchange.Command))
        {
            var answers = same.Select(exchange => exchange.Outcome.Answer switch
            {
                Decision { Reservation: { } held } => $"{held.Id} {held.CreatedAt}",
                Settlement settled =>
                    $"{settled.UsageId} {settled.Tokens} {settled.Cost} {settled.Late} {settled.Overrun} {settled.Unpriced}",
                OverrideView granted => $"{granted.Id} {granted.CreatedAt}",
                Adjusted adjusted => $"{adjusted.UsageId} {adjusted.AdjustmentId} {adjusted.Tokens} {adjusted.Cost}",
                var other => other?.ToString() ?? "nothing",
            }).Distinct().ToList();
            if (answers.Count > 1) Found($"one command was answered in {answers.Count} ways: {string.Join(" | ", answers)}");
        }
    }

    /// <summary>A refusal is right if at some version between sending and answering, at some time between them, it really did not
    /// fit.</summary>
    void Refusals()
    {
        var refused = exchanges.Where(exchange => Refused(exchange.Outcome) && exchange.Command is Reserve or Check).ToList();
        if (refused.Count == 0) return;
        foreach (var exchange in refused)
        {
            var estimate = exchange.Command is Reserve reserve ? reserve.Estimate : ((Check)exchange.Command).Estimate;
            var book = new Book();
            var version = 0L;
            var justified = false;
            foreach (var entry in journal.Prepend(null))
            {
                if (entry is not null)
                {
                    // A batch is decided step by step: a refusal may stand between two events of one entry.
                    foreach (var happened in entry.Events)
                    {
                        book.Take(happened);
                        justified |= entry.Version > exchange.VersionSent && entry.Version <= exchange.VersionAnswered + 1
                            && DoesNotFit(book, estimate, exchange);
                    }
                    version = entry.Version;
                }
                if (version > exchange.VersionAnswered + 1) break;
                justified |= version >= exchange.VersionSent && DoesNotFit(book, estimate, exchange);
                if (justified) break;
            }
            if (!justified)
                Found($"{exchange.Command.GetType().Name} of {Requested(estimate, LimitUnit.Tokens)} was refused though it fitted at "
                    + $"every version from "
                    + $"{exchange.VersionSent} to {exchange.VersionAnswered}");
        }
    }

    static bool Refused(Outcome outcome) => outcome.Status == OutcomeStatus.Refused || outcome.Answer is Decision { Allowed: false };

    /// <summary>A call may have been decided at any time between the two moments of it that are known.</summary>
    static bool DoesNotFit(Book book, Estimate estimate, Exchange exchange)
    {
        var (sent, answered) = (Math.Max(book.Now, exchange.MillisSent), Math.Max(book.Now, exchange.MillisAnswered));
        foreach (var limit in book.Limits)
        {
            var key = Book.KeyOf(limit, estimate.Dimensions.User, estimate.Dimensions.Session);
            var requested = Requested(estimate, limit.Unit);
            if (requested == 0) continue;
            foreach (var at in book.Moments(limit, sent, answered))
                if (book.Left(limit, key, at) is { } left && requested > left)
                    return true;
        }
        return false;
    }

    /// <summary>Tokens that are not told apart count whole against the limits of either.</summary>
    static long Requested(Estimate estimate, LimitUnit unit) => unit switch
    {
        LimitUnit.Tokens => estimate.Tokens ?? estimate.InputTokens!.Value + estimate.MaxOutputTokens!.Value,
        LimitUnit.InputTokens => estimate.Tokens ?? estimate.InputTokens!.Value,
        LimitUnit.OutputTokens => estimate.Tokens ?? estimate.MaxOutputTokens!.Value,
        LimitUnit.Cost => estimate.CostNanos ?? 0,
        _ => 1,
    };
}
