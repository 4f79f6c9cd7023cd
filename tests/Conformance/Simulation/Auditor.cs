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
        return auditor.findings;
    }

    void Found(string what) => findings.Add($"{account}: {what}");

    /// <summary>What an account holds and has used, kept as plain lists.</summary>
    public sealed class Book
    {
        public sealed record Hold(string Id, long At, string? User)
        {
            public long Tokens { get; set; }
            public long Requests { get; set; }
        }

        public List<(long At, string? User, long Tokens, long Requests)> Booked { get; } = [];
        public List<Hold> Holds { get; } = [];
        public IReadOnlyList<Limit> Limits { get; set; } = [];
        public List<(string Id, OverrideTerms Terms, long From, long Until)> Raises { get; } = [];
        public long Now { get; set; }

        public void Take(BudgetEvent happened)
        {
            Now = Math.Max(Now, happened.At.ToUnixTimeMilliseconds());
            switch (happened)
            {
                case PolicyChanged { Effective: var effective }:
                    Limits = [.. effective.Limits.Select(numbered => numbered.Limit)];
                    break;
                case Held held:
                    Holds.Add(new(held.Id, Now, held.Dimensions.User) { Tokens = held.Amounts.Tokens, Requests = 1 });
                    break;
                case HoldExtended extended:
                    // Amounts added later count in the windows of their own moment.
                    if (extended.Added.Tokens > 0)
                        Holds.Add(new(extended.ReservationId, Now, UserOf(extended.ReservationId)) { Tokens = extended.Added.Tokens });
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
                    if (settled.Record.Final) Holds.RemoveAll(hold => hold.Id == settled.Record.ReservationId);
                    else Shrink(settled.Record.ReservationId!, settled.Record.Amounts.Tokens, settled.Record.Amounts.Requests);
                    break;
                case OverrideAdded added:
                    Raises.Add((added.Id, added.Terms, added.Terms.StartsAt?.ToUnixTimeMilliseconds() ?? 0,
                        added.Terms.ExpiresAt.ToUnixTimeMilliseconds()));
                    break;
                case OverrideRemoved removed:
                    Raises.RemoveAll(raise => raise.Id == removed.Id);
                    break;
            }
        }

        string? UserOf(string id) => Holds.Find(hold => hold.Id == id)?.User;

        void Write(UsageRecord record) =>
            Booked.Add((record.At.ToUnixTimeMilliseconds(), record.Usage.Dimensions.User, record.Amounts.Tokens, record.Amounts.Requests));

        void Shrink(string id, long tokens, long requests)
        {
            foreach (var hold in Holds.Where(hold => hold.Id == id))
            {
                var part = Math.Min(hold.Tokens, tokens);
                (hold.Tokens, tokens) = (hold.Tokens - part, tokens - part);
                var request = Math.Min(hold.Requests, requests);
                (hold.Requests, requests) = (hold.Requests - request, requests - request);
            }
        }

        /// <summary>What is left of a limit for a user at a moment; null where it does not bind.</summary>
        public Int128? Left(Limit limit, string? user, long at)
        {
            if (limit.Enforcement == Enforcement.Soft || limit.Mode != LimitMode.Enforce || Allowed(limit, at) is not { } amount)
                return null;
            var length = LengthOf(limit);
            bool Counts(long when, string? who) => when / length == at / length && (limit.Each is null || (who ?? "") == (user ?? ""));
            var tokens = limit.Unit == LimitUnit.Tokens;
            foreach (var (when, who, used, requests) in Booked)
                if (Counts(when, who)) amount -= tokens ? used : requests;
            foreach (var hold in Holds)
                if (Counts(hold.At, hold.User)) amount -= tokens ? hold.Tokens : hold.Requests;
            return amount;
        }

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
        public Int128 BookedIn(Limit limit, string key, long at)
        {
            Int128 sum = 0;
            foreach (var (when, who, tokens, requests) in Booked)
                if (when / LengthOf(limit) == at / LengthOf(limit) && (limit.Each is null || (who ?? "") == key))
                    sum += limit.Unit == LimitUnit.Tokens ? tokens : requests;
            return sum;
        }

        /// <summary>From one moment to another: both, and those between at which time alone changes what is left of a limit.</summary>
        public IEnumerable<long> Moments(Limit limit, long from, long to)
        {
            var length = LengthOf(limit);
            yield return from;
            for (var window = from / length + 1; window <= to / length; window++) yield return window * length;
            foreach (var (_, _, begins, ends) in Raises)
                foreach (var moment in new[] { begins, ends })
                    if (moment > from && moment < to) yield return moment;
            yield return to;
        }

        /// <summary>All windows of the simulation start with the epoch's hours and days.</summary>
        public static long LengthOf(Limit limit) => limit.Window.Kind switch { WindowKind.Hour => 3_600_000L, WindowKind.Day => 86_400_000L,
            _ => long.MaxValue };
    }

    /// <summary>
    /// Every ratio that is reached is announced: after each entry, for what it booked in the current window; and after a change of limits
    /// for
    /// the limits with one counter. None is announced that is not reached, none twice unless a raise armed it anew, none of a window that
    /// has ended.
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
            foreach (var (no, limit) in limits)
                foreach (var key in limit.Each is null ? [""] : booked.Select(record => record.Usage.Dimensions.User ?? "").Distinct())
                {
                    var changed = all && limit.Each is null;
                    // A booking for another window of the limit does not look at this one.
                    if (!changed && !booked.Exists(record => InWindow(limit, key, record, book.Now))) continue;
                    if (book.Allowed(limit, book.Now) is not { } allowed) continue;
                    var settled = book.BookedIn(limit, key, book.Now);
                    foreach (var threshold in limit.Thresholds ?? EffectivePolicy.DefaultThresholds)
                    {
                        if (settled <= 0 || (decimal)settled < threshold.Ratio * (decimal)allowed) continue;
                        var known = announced.TryGetValue((no, key), out var found) && found.Window == book.Now / Book.LengthOf(limit)
                            && found.Ratios.Contains(threshold.Ratio);
                        if (!known)
                            Found($"entry {entry.Version} reaches {threshold.Ratio} of limit '{limit.Id}' for '{key}' ({settled} of "
                                + $"{allowed}) and it was not announced");
                    }
                }
        }
    }

    static bool InWindow(Limit limit, string key, UsageRecord record, long now) =>
        record.At.ToUnixTimeMilliseconds() / Book.LengthOf(limit) == now / Book.LengthOf(limit)
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
        var (window, at) = (book.Now / Book.LengthOf(limit), crossed.At.ToUnixTimeMilliseconds());
        if (!crossed.Window.Contains(crossed.At) || at / Book.LengthOf(limit) != window)
            Found($"entry {version} announces {crossed.Ratio} of limit '{limit.Id}' in a window that is not the current one");
        if (!announced.TryGetValue((crossed.No, crossed.Key), out var known) || known.Window != window)
            announced[(crossed.No, crossed.Key)] = known = (window, []);
        if (!known.Ratios.Add(crossed.Ratio))
            Found($"entry {version} announces {crossed.Ratio} of limit '{limit.Id}' for '{crossed.Key}' again");
        var settled = book.BookedIn(limit, crossed.Key, at);
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
                var (tokens, requests, user) = happened switch
                {
                    Held held => (held.Amounts.Tokens, 1L, held.Dimensions.User),
                    HoldExtended extended => (extended.Added.Tokens, 0L, book.Holds.Find(hold => hold.Id == extended.ReservationId)?.User),
                    _ => (0L, 0L, null),
                };
                var at = Math.Max(book.Now, happened.At.ToUnixTimeMilliseconds());
                if (tokens > 0 || requests > 0)
                    foreach (var limit in book.Limits)
                    {
                        var requested = limit.Unit == LimitUnit.Tokens ? tokens : requests;
                        if (requested > 0 && book.Left(limit, user, at) is { } left && requested > left)
                            Found($"entry {entry.Version} admits {requested} where {left} of limit '{limit.Id}' ({limit.Window}) were "
                                + $"left");
                    }
                book.Take(happened);
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
                    case HoldExtended { Added: var added } when IsNegative(added): Found($"entry {entry.Version} holds {added} more"); break;
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
        ThresholdCrossed crossed => $"threshold {crossed.No} {crossed.Key} {crossed.Window.Start} {crossed.Ratio} {crossed.Arming}",
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
                Found($"{exchange.Command.GetType().Name} of {estimate.Tokens} was refused though it fitted at every version from "
                    + $"{exchange.VersionSent} to {exchange.VersionAnswered}");
        }
    }

    static bool Refused(Outcome outcome) => outcome.Status == OutcomeStatus.Refused || outcome.Answer is Decision { Allowed: false };

    /// <summary>A call may have been decided at any time between the two moments of it that are known.</summary>
    static bool DoesNotFit(Book book, Estimate estimate, Exchange exchange)
    {
        var (sent, answered) = (Math.Max(book.Now, exchange.MillisSent), Math.Max(book.Now, exchange.MillisAnswered));
        foreach (var limit in book.Limits)
            foreach (var at in book.Moments(limit, sent, answered))
                if (book.Left(limit, estimate.Dimensions.User, at) is { } left && (limit.Unit == LimitUnit.Tokens
                    ? estimate.Tokens!.Value : 1) > left)
                    return true;
        return false;
    }
}
