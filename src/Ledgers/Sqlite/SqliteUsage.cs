// Reading usage from SQLite: pages by key and sums. Sums of 64-bit amounts need more than 64 bits, so each is summed in two parts.
using System.Globalization;
using System.Text;
using NodaTime;
using Purser.Engine;

namespace Purser.Ledgers.Sqlite;

public sealed partial class SqliteLedger
{
    /// <summary>Where the two parts of a sum are divided: both stay in 64 bits for the first 9 billion records.</summary>
    const long Part = 1_000_000_000;

    const long QuarterMillis = 15 * 60 * 1000;

    static readonly string[] measures = ["input", "output", "requests", "iif(success, 0, requests)", "cost_nanos", "coalesce(duration_ms, 0)"];

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        UsageCursor? after = null;
        try
        {
            if (cursor is not null) after = UsageCursor.Parse(cursor);
        }
        catch (FormatException fault)
        {
            return Task.FromException<Page<AccountRecord>>(fault);
        }
        return Read(
            database =>
            {
                var where = new Where(database, filter);
                if (where.Nothing || limit <= 0) return new([], null);
                if (after is { } place)
                    where.And("at <= ? AND (at < ? OR usage.no > ?)", place.AtMillis, place.AtMillis, place.Order);
                using var find = database.PrepareOnce(
                    "SELECT at, usage.no, accounts.account, record FROM usage CROSS JOIN accounts ON accounts.no = usage.account"
                    + where + " ORDER BY at DESC, usage.no LIMIT ?");
                where.Bind(find).Add(limit + 1L);
                var items = new List<AccountRecord>();
                UsageCursor last = default;
                while (find.Read())
                {
                    if (items.Count == limit) return new(items, last.ToString());
                    items.Add(new(find.Text(2), LedgerJson.DecodeRecord(find.Blob(3))));
                    last = new(find.Long(0), find.Long(1));
                }
                return new Page<AccountRecord>(items, null);
            },
            cancellation);
    }

    public Task<IReadOnlyList<UsageSum>> SumAsync(
        UsageFilter filter, IReadOnlyList<UsageKey> by, bool perQuarterHour, CancellationToken cancellation = default) => Read<IReadOnlyList<UsageSum>>(
        database =>
        {
            var where = new Where(database, filter);
            if (where.Nothing) return [];
            var keys = by.Select(Column).ToList();
            // Floor, also before 1970.
            keys.Add(perQuarterHour ? $"at - ((at % {QuarterMillis}) + {QuarterMillis}) % {QuarterMillis}" : "NULL");
            keys.Add("currency");
            var sql = new StringBuilder("SELECT ")
                .AppendJoin(", ", keys.Select((key, i) => i < by.Count && by[i] == UsageKey.Account ? "(SELECT account FROM accounts WHERE no = usage.account)" : key))
                .Append(", count(*), count(duration_ms), sum(unpriced)");
            foreach (var measure in measures) sql.Append(CultureInfo.InvariantCulture, $", sum({measure} / {Part}), sum({measure} % {Part})");
            sql.Append(" FROM usage").Append(where).Append(" GROUP BY ").AppendJoin(", ", keys);

            using var read = database.PrepareOnce(sql.ToString());
            where.Bind(read);
            var sums = new List<UsageSum>();
            while (read.Read())
            {
                var quarter = by.Count;
                var count = quarter + 2;
                Int128 Measure(int no) => (Int128)read.Long(count + 3 + (2 * no)) * Part + read.Long(count + 4 + (2 * no));
                sums.Add(new(
                    [.. by.Select((_, i) => read.TextOrNull(i))], read.LongOrNull(quarter) is { } start ? Instant.FromUnixTimeMilliseconds(start) : null,
                    read.Text(quarter + 1), read.Long(count), Measure(0), Measure(1), Measure(2), Measure(3), Measure(4), Measure(5),
                    read.Long(count + 1), read.Long(count + 2)));
            }
            return sums;
        },
        cancellation);

    public Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default) => Read(
        database =>
        {
            var where = new Where(database, filter);
            var extent = new UsageExtent(0, 0, null, 0);
            if (where.Nothing) return extent;
            using (var count = database.PrepareOnce("SELECT count(DISTINCT account), count(DISTINCT session) FROM usage" + where))
                if (where.Bind(count).Read())
                    extent = extent with { Accounts = count.Long(0), Sessions = count.Long(1) };
            // Of several largest ones the earliest.
            using (var peak = database.PrepareOnce("SELECT at, tokens FROM usage" + where + " ORDER BY tokens DESC, at LIMIT 1"))
                if (where.Bind(peak).Read())
                    extent = extent with { PeakAt = Instant.FromUnixTimeMilliseconds(peak.Long(0)), PeakTokens = peak.Long(1) };
            return extent;
        },
        cancellation);

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) => Read(
        database =>
        {
            // instr, not LIKE: % and _ are ordinary characters. lower knows ASCII, of which account ids are made.
            using var list = database.Prepare(
                "SELECT account FROM accounts WHERE account > ?1 AND (?2 IS NULL OR instr(lower(account), lower(?2)) > 0) ORDER BY account LIMIT ?3");
            list.Add(cursor ?? "").Add(search).Add(Math.Max(0, limit) + 1L);
            var accounts = new List<string>();
            while (list.Read())
            {
                if (accounts.Count == limit) return new(accounts, limit > 0 ? accounts[^1] : null);
                accounts.Add(list.Text(0));
            }
            return new Page<string>(accounts, null);
        },
        cancellation);

    static string Column(UsageKey key) => key switch
    {
        UsageKey.Account => "usage.account",
        UsageKey.Orchestrator => "orchestrator",
        UsageKey.User => "user",
        UsageKey.Tenant => "tenant",
        UsageKey.Session => "session",
        UsageKey.Provider => "provider",
        UsageKey.Model => "model",
        UsageKey.Tool => "tool",
        _ => throw new ArgumentOutOfRangeException(nameof(key)),
    };

    /// <summary>The condition of a filter with its values.</summary>
    sealed class Where
    {
        readonly StringBuilder sql = new();
        readonly List<object> values = [];

        public Where(Database database, UsageFilter filter)
        {
            if (filter.Account is { } account)
            {
                if (HeadOf(database, account) is { } head) And("usage.account = ?", head.No);
                else Nothing = true;
            }
            Equal("orchestrator", filter.Orchestrator);
            Equal("user", filter.User);
            Equal("tenant", filter.Tenant);
            Equal("session", filter.Session);
            Equal("provider", filter.Provider);
            Equal("model", filter.Model);
            Equal("tool", filter.Tool);
            Equal("request_id", filter.RequestId);
            Equal("reservation_id", filter.ReservationId);
            if (filter.Success is { } success) And("success = ?", success ? 1L : 0L);
            if (filter.From is { } from) And("at >= ?", UsageCursor.CeilingMillis(from));
            if (filter.To is { } to) And("at < ?", UsageCursor.CeilingMillis(to));
        }

        /// <summary>The account does not exist: no record can match.</summary>
        public bool Nothing { get; }

        void Equal(string column, string? value)
        {
            if (value is not null) And(column + " = ?", value);
        }

        public void And(string condition, params object[] given)
        {
            sql.Append(sql.Length == 0 ? " WHERE " : " AND ").Append(condition);
            values.AddRange(given);
        }

        public Statement Bind(Statement statement)
        {
            foreach (var value in values)
                if (value is long number) statement.Add(number);
                else statement.Add((string)value);
            return statement;
        }

        public override string ToString() => sql.ToString();
    }
}
