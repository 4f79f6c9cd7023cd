// What a node counts about itself, under one meter, for whoever collects it. No account shows in it.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Core;

namespace Purser.Engine;

/// <summary>What happens with every command is added up in plain numbers, which are looked at when somebody collects; the rest is rare
/// enough to be told.</summary>
public static class Measures
{
    public const string MeterName = "Purser";

    /// <summary>The last column is an admission of less than was asked for.</summary>
    static readonly string[] outcomes = [.. Enum.GetNames<OutcomeStatus>().Select(JsonNamingPolicy.CamelCase.ConvertName), "degraded"];

    static readonly (Type Type, string Name)[] kinds = [.. typeof(BudgetCommand).GetCustomAttributes<JsonDerivedTypeAttribute>()
        .Select(kind => (kind.DerivedType, (string)kind.TypeDiscriminator!))];
    static readonly Dictionary<Type, int> numbers = kinds.Select((kind, number) => (kind.Type, number)).ToDictionary();
    static readonly long[] answers = new long[kinds.Length * outcomes.Length];

    static long waiting;
    static long sessions;
    static long holds;
    static double clockOffsetSeconds;
    static double clockHeldSeconds;

    static readonly Meter meter = new(MeterName);

    public static readonly Counter<long> Activations = meter.CreateCounter<long>(
        "purser.activations", description: "Accounts that were taken into memory");
    public static readonly Counter<long> Conflicts = meter.CreateCounter<long>(
        "purser.conflicts", description: "Batches that were decided again, because another writer or newer settings were there first");
    public static readonly Counter<long> LedgerErrors = meter.CreateCounter<long>("purser.ledger.errors",
        description: "Times that the ledger was away, did not answer or refused a write");

    static readonly Counter<long> doubtful = meter.CreateCounter<long>("purser.usage.doubtful",
        description: "Records that somebody should look at: with counts that nobody read, in dispute with themselves, or without a price");

    static readonly Counter<long> tokens = meter.CreateCounter<long>("purser.tokens",
        description: "Tokens that were booked, by provider and model as the catalogue knows them; corrections are not taken off");

    static readonly Counter<double> cost = meter.CreateCounter<double>("purser.cost",
        description: "Money that was booked, by provider, model and currency; corrections are not taken off");

    public static readonly Histogram<double> AppendDuration = meter.CreateHistogram("purser.append.duration", "s",
        "How long one durable step of the ledger took",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
            5, 10] });

    public static readonly Histogram<double> AppendAccounts = meter.CreateHistogram("purser.append.accounts",
        description: "Accounts that shared one durable step",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000] });

    public static readonly Histogram<double> BatchCommands = meter.CreateHistogram("purser.batch.commands",
        description: "Commands of one account that were decided together",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500] });

    static Measures()
    {
        meter.CreateObservableCounter("purser.commands", Answers,
            description: "Commands by what was answered; reservations among them are the decisions");
        meter.CreateObservableGauge("purser.queue.length", () => Volatile.Read(ref waiting),
            description: "Commands that wait to be decided");
        meter.CreateObservableGauge("purser.sessions", () => Volatile.Read(ref sessions), description: "Accounts in memory");
        meter.CreateObservableGauge("purser.holds", () => Volatile.Read(ref holds), description: "Active holds of the accounts in memory");
        meter.CreateObservableGauge("purser.time_zone_data.info", TimeZoneData,
            description: "1; the version of the time zone data is its label");
        meter.CreateObservableGauge("purser.clock.offset", () => Volatile.Read(ref clockOffsetSeconds), "s",
            "How far this machine's clock is behind the time that is decided in");
        meter.CreateObservableGauge("purser.clock.held", () => Volatile.Read(ref clockHeldSeconds), "s",
            "A jump of the clock that is held back; 0 where none is");
    }

    static Measurement<long> TimeZoneData() => new(1, new KeyValuePair<string, object?>("version", TimeZones.Version));

    static IEnumerable<Measurement<long>> Answers()
    {
        for (var kind = 0; kind < kinds.Length; kind++)
            for (var outcome = 0; outcome < outcomes.Length; outcome++)
                if (Volatile.Read(ref answers[(kind * outcomes.Length) + outcome]) is > 0 and var count)
                    yield return new(count, new KeyValuePair<string, object?>("command", kinds[kind].Name), new KeyValuePair<string,
                        object?>("outcome", outcomes[outcome]));
    }

    internal static void Answered(BudgetCommand command, Outcome outcome)
    {
        var column = outcome switch
        {
            { Answer: Decision { Allowed: false } } => (int)OutcomeStatus.Refused,
            { Answer: Decision { Changes: not null } } => outcomes.Length - 1,
            _ => (int)outcome.Status,
        };
        Interlocked.Increment(ref answers[(numbers[command.GetType()] * outcomes.Length) + column]);
    }

    /// <summary>Records that became durable.</summary>
    internal static void Booked(IReadOnlyList<BudgetEvent> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (Append.RecordOf(events[i]) is not { } record) continue;
            Spent(record);
            if (record.Usage.Unread is not null) doubtful.Add(1, new KeyValuePair<string, object?>("kind", "unread"));
            if (record.Usage.Disputed is not null) doubtful.Add(1, new KeyValuePair<string, object?>("kind", "disputed"));
            if (record.Unpriced) doubtful.Add(1, new KeyValuePair<string, object?>("kind", "unpriced"));
        }
    }

    /// <summary>So many pairs of provider and model have series of their own.</summary>
    const int MostModels = 500;

    const string OtherModel = "other";
    static readonly ConcurrentDictionary<(string Provider, string Model), bool> models = new();

    /// <summary>Names that no price knows are made up by callers, and may be any number.</summary>
    static (string Provider, string Model) ModelOf(UsageRecord record)
    {
        if (record is not { PriceVersion: not null, Usage.Dimensions: var call } || (record.CanonicalModel ?? call.Model) is not { } model)
            return (OtherModel, OtherModel);
        var known = (record.CanonicalProvider ?? call.Provider ?? OtherModel, model);
        return models.ContainsKey(known) || (models.Count < MostModels && models.TryAdd(known, true)) ? known : (OtherModel, OtherModel);
    }

    static void Spent(UsageRecord record)
    {
        if (!tokens.Enabled && !cost.Enabled) return;
        var (provider, model) = ModelOf(record);
        var (of, by) = (new KeyValuePair<string, object?>("provider", provider), new KeyValuePair<string, object?>("model", model));
        if (record.Amounts.InputTokens > 0) tokens.Add(record.Amounts.InputTokens, of, by, new("type", "input"));
        if (record.Amounts.OutputTokens > 0) tokens.Add(record.Amounts.OutputTokens, of, by, new("type", "output"));
        if (record.Amounts.CostNanos > 0)
            cost.Add((double)Money.ToDecimal(record.Amounts.CostNanos), of, by, new("currency", record.Currency));
    }

    internal static string NameOf(BudgetCommand command) => kinds[numbers[command.GetType()]].Name;

    internal static void Waiting(int more) => Interlocked.Add(ref waiting, more);

    internal static void SessionBegan()
    {
        Interlocked.Increment(ref sessions);
        Activations.Add(1);
    }

    internal static void SessionEnded() => Interlocked.Decrement(ref sessions);

    internal static void Holds(int more) => Interlocked.Add(ref holds, more);

    internal static void Clock(double offsetSeconds, double heldSeconds)
    {
        Volatile.Write(ref clockOffsetSeconds, offsetSeconds);
        Volatile.Write(ref clockHeldSeconds, heldSeconds);
    }
}
