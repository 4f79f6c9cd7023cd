// The state of one budget: counters, holds, overrides. Changed only by `Budget.Apply`; everything else reads it.
using System.Text.Json.Serialization;
using NodaTime;

namespace Purser.Core;

/// <summary>Settled and held amount of one slot of a window (a calendar window, a rolling window's sub-bucket, a session).</summary>
public sealed class Slot
{
    public required Span Span { get; set; }
    public Int128 Settled { get; set; }
    public Int128 Held { get; set; }
}

/// <summary>The slots of one limit and key: one for calendar windows (and those of the future that have records), up to 61 for rolling
/// ones.</summary>
public sealed class Counter
{
    public List<Slot> Slots { get; init; } = new(1);

    /// <summary>The thresholds announced in the window that <see cref="AnnouncedIn"/> starts, by their ratios, and how often they were
    /// armed anew.</summary>
    public List<decimal>? Announced { get; set; }
    public Instant AnnouncedIn { get; set; }
    public int Arming { get; set; }

    /// <summary>The amount that the last announcement was about: a limit that was raised since arms anew.</summary>
    public Int128? AnnouncedOf { get; set; }

    /// <summary>When the grace ends that began in the window that <see cref="GraceIn"/> starts; null where none began.</summary>
    public Instant? GraceUntil { get; set; }
    public Instant GraceIn { get; set; }

    /// <summary>When it changed or was asked for last; decides only what leaves memory first.</summary>
    [JsonIgnore]
    public Instant UsedAt { get; set; }

    /// <summary>The sum over the slots that count at this instant.</summary>
    public (Int128 Settled, Int128 Held) At(Instant now)
    {
        Int128 settled = 0, held = 0;
        foreach (var slot in Slots)
            if (slot.Span.Contains(now))
            {
                settled += slot.Settled;
                held += slot.Held;
            }
        return (settled, held);
    }

    /// <summary>The first slot that counts at this instant.</summary>
    public Slot? Running(Instant now)
    {
        foreach (var slot in Slots)
            if (slot.Span.Contains(now))
                return slot;
        return null;
    }

    public Slot? Find(Instant start)
    {
        foreach (var slot in Slots)
            if (slot.Span.Start == start)
                return slot;
        return null;
    }
}

/// <summary>A limit in force with its counters.</summary>
public sealed class LimitState(NumberedLimit numbered)
{
    public NumberedLimit Numbered => numbered;

    [JsonIgnore]
    public int No { get; } = numbered.No;

    [JsonIgnore]
    public Limit Limit { get; } = numbered.Limit;

    public Dictionary<string, Counter> Counters { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Has a counter for each value of a dimension (or each session); such counters may leave memory.</summary>
    [JsonIgnore]
    public bool IsKeyed => numbered.Limit.Each is not null || numbered.Limit.Window.Kind == WindowKind.Session;

    /// <summary>The calendar window with usage whose end is still to be announced; null when there is none.</summary>
    public Span? Open { get; set; }

    /// <summary>The first window ahead that has usage: what was dated into it counts once it begins.</summary>
    public Span? Ahead { get; set; }

    /// <summary>What was used before this is not all in the counters: when the limit came, records of it were gone. Windows begun since are
    /// whole.</summary>
    public Instant? CountedSince { get; init; }

    /// <summary>The window computed last: nearly every call of a window asks for the same one.</summary>
    [JsonIgnore]
    public Span Current
    {
        get;
        set
        {
            field = value;
            // A rolling window's span reaches until its sub-bucket has left the window; the next sub-bucket begins long before.
            currentUntil = numbered.Limit.Window.Kind == WindowKind.Rolling ? value.Start + numbered.Limit.Window.BucketLength : value.End;
        }
    }

    Instant currentUntil;

    public bool CurrentHolds(Instant at) => Current.Start <= at && at < currentUntil;

    public Counter? Find(string key) => Counters.TryGetValue(key, out var counter) ? counter : null;

    [JsonIgnore]
    public LimitMatcher Matcher { get; } = new(numbered.Limit);

    [JsonIgnore]
    public IReadOnlyList<Threshold> Thresholds => numbered.Limit.Thresholds ?? EffectivePolicy.DefaultThresholds;

    (Int128 Of, Int128[] Amounts) reached = (-1, []);

    /// <summary>
    /// The least settled amounts that reach the thresholds of an amount; nothing used reaches none. Nearly always asked for the same
    /// amount.
    /// </summary>
    public Int128[] ReachedAt(Int128 amount)
    {
        if (reached.Of != amount)
            reached =
                (amount, [.. Thresholds.Select(threshold => Int128.Max(1, (Int128)decimal.Ceiling(threshold.Ratio * (decimal)amount)))]);
        return reached.Amounts;
    }
}

/// <summary>What was taken at one moment: each extension by an amount is a layer of its own, in the windows of its own moment.</summary>
public sealed class HoldLayer
{
    /// <summary>When it was taken; null: with the hold. The layers of a closed hold have given all back and keep no time.</summary>
    public Instant? At { get; set; }

    /// <summary>What the extension is for, where it names other dimensions than the hold; null: the hold's own.</summary>
    public Dimensions? Dimensions { get; set; }
    public Amounts Left { get; set; }
    public IReadOnlyList<Touch> Touches { get; set; } = [];
}

/// <summary>What a charge stands under in reports besides its dimensions, and how much less than by the list it is. What takes it back
/// stands under the same.</summary>
public sealed record ChargedAs(bool Success, IReadOnlyList<string>? Tools, string? Provider, string? Model, long DiscountNanos)
{
    public static ChargedAs Of(UsageRecord charge) => new(charge.Usage.Success, charge.Usage.Tools, charge.CanonicalProvider,
        charge.CanonicalModel, charge.DiscountNanos);
}

public sealed record HoldExtension(string Id, long Fingerprint);

public sealed class Hold
{
    public required string Id { get; init; }
    public long Fingerprint { get; init; }
    public Dimensions Dimensions { get; init; } = Dimensions.None;

    /// <summary>Everything ever taken by this hold: what it was created with and what extensions added.</summary>
    public Amounts Reserved { get; set; }
    public string Currency { get; init; } = "USD";
    public string? PriceVersion { get; init; }
    public bool Unpriced { get; init; }
    public bool PlainTokens { get; init; }
    
    /// <summary>What becomes of it when it runs out: as the policy of its time says, or charged since a settlement of it was
    /// refused.</summary>
    public ExpiryRule OnExpiry { get; set; }

    /// <summary>How the call was degraded; a retry is told the same.</summary>
    public CallChanges? Changes { get; init; }
    public Instant CreatedAt { get; init; }
    public Instant ExpiresAt { get; set; }
    public ReservationState State { get; set; }
    public List<HoldLayer> Layers { get; init; } = new(1);
    public List<HoldExtension>? Extensions { get; set; }

    /// <summary>What was settled in parts so far; the rest of the estimate is <see cref="Reserved"/> less this.</summary>
    public Amounts Booked { get; set; }

    /// <summary>The request was booked: it is held with the hold and settled once, at the first settle.</summary>
    public bool RequestBooked { get; set; }

    /// <summary>The usage that settled it finally; another final one is a conflict.</summary>
    public string? SettledBy { get; set; }

    /// <summary>What was booked in doubt (expiry that charges, unknown outcome) and is corrected by a later settle.</summary>
    public Amounts Charged { get; set; }

    /// <summary>The dimensions under which it was charged, where they are not the hold's own.</summary>
    public Dimensions? ChargedTo { get; set; }

    /// <summary>What else it was charged under; null where nothing is charged, and in what earlier builds charged.</summary>
    public ChargedAs? ChargedAs { get; set; }

    /// <summary>The hold that it is paid out of, and what it has of that.</summary>
    public string? From { get; init; }
    public Amounts Taken { get; set; }

    /// <summary>Which of several calls under its id took it; null where nobody told.</summary>
    public string? Attempt { get; init; }

    /// <summary>What calls that are paid out of this hold have of it at the moment.</summary>
    public Amounts Lent { get; set; }

    /// <summary>What the charge took of the allowances of its price.</summary>
    public IReadOnlyList<AllowanceUse>? ChargedAllowances { get; set; }

    /// <summary>When it was closed; a closed hold leaves memory after a while and is found in the ledger.</summary>
    public Instant? ClosedAt { get; set; }

    [JsonIgnore]
    public Amounts Left
    {
        get
        {
            var sum = default(Amounts);
            foreach (var layer in Layers) sum += layer.Left;
            return sum;
        }
    }
}

public sealed record Override(string Id, long Fingerprint, OverrideTerms Terms, Instant CreatedAt)
{
    /// <summary>The unit of what it adds, where it names a limit: another limit of that name and of another unit is not raised by it. Those
    /// granted before it was kept have that of the limit as it is.</summary>
    public LimitUnit? Unit { get; init; }

    /// <summary>Its start has come, and what that changes was looked at.</summary>
    public bool Began { get; init; }

    /// <summary>It has ended, by time or on demand, and what that changes was looked at.</summary>
    public bool Ended { get; init; }
}

public sealed class BudgetState(string account)
{
    /// <summary>More overrides than this in one account, ahead or in force, are refused: every decision looks at all that are
    /// known.</summary>
    public const int MostOverrides = 1000;

    public string Account => account;

    [JsonIgnore]
    public bool HasLegalId { get; } = Validity.IsAccountId(account);

    /// <summary>The number of journal entries that made this state; 0 means that the account does not exist yet.</summary>
    public long Version { get; set; }

    /// <summary>The latest instant in the stream.</summary>
    public Instant LastAt { get; set; }

    /// <summary>The first instant in the stream.</summary>
    public Instant BeganAt { get; set; }

    /// <summary>The link of the last event of the audit trail; null where none has one.</summary>
    public string? AuditLink { get; set; }

    /// <summary>When records were erased last; those that are booked since are all there.</summary>
    public Instant? ErasedAt { get; set; }

    /// <summary>Nothing ever happened here, durable or not.</summary>
    [JsonIgnore]
    public bool IsBlank => Version == 0 && LastAt == default;

    public Policy? Policy { get; set; }
    public long PolicyVersion { get; set; }

    /// <summary>Which version of the default policy is merged into <see cref="Effective"/>.</summary>
    public long DefaultsVersion { get; set; }
    public EffectivePolicy Effective { get; set; } = EffectivePolicy.None;
    public int NextLimitNo { get; set; } = 1;
    public bool Paused { get; set; }
    public string? PausedReason { get; set; }

    /// <summary>Money was booked or held, so the currency is fixed.</summary>
    public bool HasBookings { get; set; }

    /// <summary>What was used in each of the last months that have any, oldest first: volume discounts go by the month of a call, however
    /// late it is booked.</summary>
    public List<MonthUsage> Months { get; init; } = [];

    /// <summary>The only month that snapshots had once.</summary>
    public MonthUsage? Month
    {
        get => null;
        set
        {
            if (value is not null && Months.Count == 0) Months.Add(value);
        }
    }

    const int MostMonths = 13;

    public MonthUsage MonthAt(Instant at) => Months.FindLast(month => month.Span.Contains(at)) ?? MonthUsage.Nothing;

    public void CountMonth(UsageRecord record)
    {
        var month = Months.FindLast(known => known.Span.Contains(record.At));
        if (month is null)
        {
            month = new() { Span = Effective.Calendar.Bounds(new(WindowKind.Month), record.At) };
            var at = Months.FindIndex(known => known.Span.Start > month.Span.Start);
            // Longer ago than all that are kept: a call of that time is rated as the first of its month.
            if (Months.Count == MostMonths && at == 0) return;
            Months.Insert(at < 0 ? Months.Count : at, month);
            if (Months.Count > MostMonths) Months.RemoveAt(0);
        }
        month.UsedTokens += record.Amounts.Tokens;
        month.UsedNanos += record.Amounts.CostNanos;
    }

    /// <summary>What was used of the allowances of prices, in the periods that are still counted; null where no price has any.</summary>
    public List<AllowanceUse>? Allowances { get; set; }

    public void CountAllowances(UsageRecord record)
    {
        if (record.Allowances is null) return;
        Allowances ??= [];
        foreach (var use in record.Allowances) AllowanceUse.Add(Allowances, use);
        Allowances.RemoveAll(use => use.Until + AllowancesLeft.Kept < LastAt || use.Count <= 0);
    }

    public List<LimitState> Limits { get; init; } = [];
    public Dictionary<string, Hold> Holds { get; init; } = new(StringComparer.Ordinal);
    public List<Override> Overrides { get; init; } = [];

    /// <summary>Limits, by number, that have counters outside of memory. Whatever of a limit is not named here is all in memory.</summary>
    public SortedSet<int> Away { get; init; } = [];

    /// <summary>Usage ids booked lately; older ones are found in the ledger.</summary>
    [JsonIgnore]
    public Dictionary<string, UsageRecord> RecentUsage { get; } = new(StringComparer.Ordinal);

    /// <summary>Of those the ones that are about another usage, by its id.</summary>
    readonly Dictionary<string, List<UsageRecord>> beside = new(StringComparer.Ordinal);

    /// <summary>What rates a usage anew, corrects, voids or credits it, as far as it is in memory: a command about a usage fetches all of
    /// it first.</summary>
    public IReadOnlyList<UsageRecord> BesideOf(string usageId) => beside.TryGetValue(usageId, out var found) ? found : [];

    /// <summary>Records were erased: nothing can be decided about them any more, in memory or in the ledger.</summary>
    public void Erase(UsageErased erased)
    {
        ErasedAt = erased.At;
        foreach (var record in RecentUsage.Values.ToList())
            if (erased.Erases(record)) RecentUsage[record.Id] = record with { IsErased = true };
            else if (erased.AnonymousOf(record) is { } anonymous) RecentUsage[record.Id] = anonymous;
    }

    /// <summary>Active holds by the time they run out, so that nothing ever scans all of them.</summary>
    [JsonIgnore]
    public SortedSet<(Instant ExpiresAt, string Id)> Deadlines { get; } = new(soonest);

    // Ids compare by their characters: some cultures take different ids for equal, and a hold would never run out.
    static readonly Comparer<(Instant ExpiresAt, string Id)> soonest = Comparer<(Instant ExpiresAt, string Id)>.Create(
        (a, b) => a.ExpiresAt.CompareTo(b.ExpiresAt) is var order and not 0 ? order : string.CompareOrdinal(a.Id, b.Id));

    [JsonIgnore]
    public int ActiveHolds => Deadlines.Count;

    /// <summary>Whether a hold has run out: looking at the first costs less than beginning to go through them.</summary>
    public bool HasDue(Instant now) => Deadlines.Count > 0 && Deadlines.Min.ExpiresAt <= now;

    /// <summary>Holds closed (or changed after that) since the last append took this list: the ledger must keep them.</summary>
    [JsonIgnore]
    public List<Hold> Closed { get; } = [];

    /// <summary>Closed holds and usage in memory, in the order in which they may leave it.</summary>
    [JsonIgnore]
    readonly Queue<(Instant Since, string? HoldId, string? UsageId)> leaving = new();

    /// <summary>Puts a closed hold from the ledger back into memory, for a command that names it.</summary>
    public void Remember(Hold closed)
    {
        if (Holds.TryAdd(closed.Id, closed)) leaving.Enqueue((LastAt, closed.Id, null));
    }

    public void Remember(UsageRecord record)
    {
        if (!RecentUsage.TryAdd(record.Id, record)) return;
        leaving.Enqueue((LastAt, null, record.Id));
        if (record.Corrects is not { } other) return;
        if (!beside.TryGetValue(other, out var known)) beside[other] = known = [];
        known.Add(record);
    }

    /// <summary>
    /// Takes the holds closed since the last call, for the ledger to keep. Together with <see cref="Forget"/> it keeps memory bounded.
    /// </summary>
    public IReadOnlyList<Hold> TakeClosed()
    {
        if (Closed.Count == 0) return [];
        // Nearly always each is there once, and there is only one.
        Hold[] taken = Closed.Count == 1 ? [Closed[0]] : [.. Closed.Distinct()];
        Closed.Clear();
        foreach (var hold in taken) leaving.Enqueue((LastAt, hold.Id, null));
        return taken;
    }

    /// <summary>Drops closed holds and usage remembered before an instant. Changes cost, never meaning: what is gone is asked of the
    /// ledger.</summary>
    public void Forget(Instant before)
    {
        while (leaving.TryPeek(out var oldest) && oldest.Since < before)
        {
            leaving.Dequeue();
            if (oldest.UsageId is { } usage && RecentUsage.Remove(usage, out var record) && record.Corrects is { } other
                && beside.TryGetValue(other, out var known) && known.RemoveAll(one => one.Id == usage) > 0 && known.Count == 0)
                beside.Remove(other);
            if (oldest.HoldId is { } id && Holds.TryGetValue(id, out var hold) && hold.State != ReservationState.Active) Holds.Remove(id);
        }
        if (leaving.Count > 0 || RecentUsage.Count > 0) return;
        // Room for a burst that is over is room for nothing.
        RecentUsage.TrimExcess();
        leaving.TrimExcess();
    }

    /// <summary>Builds what is not stored, after a snapshot was read.</summary>
    public void Index()
    {
        Deadlines.Clear();
        leaving.Clear();
        foreach (var hold in Holds.Values)
            if (hold.State == ReservationState.Active)
                Deadlines.Add((hold.ExpiresAt, hold.Id));
        foreach (var limit in Limits)
            foreach (var counter in limit.Counters.Values)
                counter.UsedAt = LastAt;
        for (var i = 0; i < Overrides.Count; i++)
            if (Overrides[i] is { Unit: null, Terms.LimitId: { } named } granted)
                Overrides[i] = granted with { Unit = Limits.Find(limit => limit.Limit.Id == named)?.Limit.Unit };
        foreach (var hold in Holds.Values.Where(hold => hold.State != ReservationState.Active).OrderBy(hold => hold.ClosedAt))
            leaving.Enqueue((hold.ClosedAt ?? LastAt, hold.Id, null));
    }

    public LimitState? LimitNo(int no)
    {
        var from = 0;
        return LimitNo(no, ref from);
    }

    /// <summary>The same for many in the order of the limits: begins behind the one that was found last.</summary>
    public LimitState? LimitNo(int no, ref int from)
    {
        for (var i = 0; i < Limits.Count; i++)
        {
            var at = from < Limits.Count ? from : 0;
            from = at + 1;
            if (Limits[at].No == no) return Limits[at];
        }
        return null;
    }
}
