// Reading usage from PostgreSQL: pages by key and exact sums.
using System.Globalization;
using System.Text;
using NodaTime;
using Npgsql;
using Purser.Engine;

namespace Purser.Ledgers.Postgres;

public sealed partial class PostgresLedger : IUsageQueries
{
    const long QuarterMillis = 15 * 60 * 1000;

    public Task<Page<AccountRecord>> FindAsync(UsageFilter filter, string? cursor, int limit, CancellationToken cancellation = default)
    {
        var where = new Where(filter);
        if (cursor is not null)
        {
            UsageCursor place;
            try
            {
                place = UsageCursor.Parse(cursor);
            }
            catch (FormatException fault)
            {
                return Task.FromException<Page<AccountRecord>>(fault);
            }
            where.And("at <= {0} and (at < {0} or position > {1})", place.AtMillis, place.Order);
        }
        return ReachAsync(async () =>
        {
            if (limit <= 0) return new Page<AccountRecord>([], null);
            await using var command = where.Command(source, $"select at, position, account, record from usage{where} order by at desc, position limit {limit + 1L}");
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var items = new List<AccountRecord>();
            UsageCursor last = default;
            while (await reader.ReadAsync(cancellation))
            {
                if (items.Count == limit) return new(items, last.ToString());
                items.Add(new(reader.GetString(2), LedgerJson.DecodeRecord(reader.GetFieldValue<byte[]>(3))));
                last = new(reader.GetInt64(0), reader.GetInt64(1));
            }
            return new Page<AccountRecord>(items, null);
        });
    }

    public Task<IReadOnlyList<UsageSum>> SumAsync(
        UsageFilter filter, IReadOnlyList<UsageKey> by, bool perQuarterHour, CancellationToken cancellation = default) => ReachAsync<IReadOnlyList<UsageSum>>(async () =>
    {
        var where = new Where(filter);
        var keys = by.Select(Column).ToList();
        // Floor, also before 1970.
        var quarter = perQuarterHour ? $"at - ((at % {QuarterMillis}) + {QuarterMillis}) % {QuarterMillis}" : "null::bigint";
        var groups = keys.Concat(perQuarterHour ? [quarter, "currency"] : ["currency"]);
        await using var command = where.Command(source,
            $"""
            select {string.Join(", ", keys.Append(quarter).Append("currency"))}, count(*), sum(input), sum(output), sum(requests),
              coalesce(sum(requests) filter (where not success), 0), sum(cost), coalesce(sum(duration), 0), count(duration), count(*) filter (where unpriced)
            from usage{where} group by {string.Join(", ", groups)}
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var sums = new List<UsageSum>();
        while (await reader.ReadAsync(cancellation))
        {
            var at = by.Count;
            Int128 Measure(int no) => (Int128)reader.GetDecimal(at + no);
            sums.Add(new(
                [.. by.Select((_, i) => reader.IsDBNull(i) ? null : reader.GetString(i))],
                reader.IsDBNull(at) ? null : Instant.FromUnixTimeMilliseconds(reader.GetInt64(at)), reader.GetString(at + 1), reader.GetInt64(at + 2),
                Measure(3), Measure(4), Measure(5), Measure(6), Measure(7), Measure(8), reader.GetInt64(at + 9), reader.GetInt64(at + 10)));
        }
        return sums;
    });

    public Task<UsageExtent> ExtentAsync(UsageFilter filter, CancellationToken cancellation = default) => ReachAsync(async () =>
    {
        var where = new Where(filter);
        // Of several largest ones the earliest.
        await using var command = where.Command(source,
            $"""
            select c.accounts, c.sessions, p.at, p.tokens
            from (select count(distinct account) as accounts, count(distinct session) as sessions from usage{where}) c
            left join lateral (select at, input::numeric + output as tokens from usage{where} order by 2 desc, at limit 1) p on true
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return reader.IsDBNull(2)
            ? new UsageExtent(0, 0, null, 0)
            : new(reader.GetInt64(0), reader.GetInt64(1), Instant.FromUnixTimeMilliseconds(reader.GetInt64(2)), (Int128)reader.GetDecimal(3));
    });

    public Task<Page<string>> AccountsAsync(string? search, string? cursor, int limit, CancellationToken cancellation = default) => ReachAsync(async () =>
    {
        // strpos, not LIKE: % and _ are ordinary characters. A head at version 0 is one whose first append was refused.
        await using var command = source.CreateCommand(
            "select account from heads where version > 0 and account > $1 and ($2::text is null or strpos(lower(account), lower($2)) > 0) order by account limit $3");
        command.Parameters.Add(new() { Value = cursor ?? "" });
        command.Parameters.Add(new() { Value = (object?)search ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = Math.Max(0, limit) + 1L });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var accounts = new List<string>();
        while (await reader.ReadAsync(cancellation))
        {
            if (accounts.Count == limit) return new(accounts, limit > 0 ? accounts[^1] : null);
            accounts.Add(reader.GetString(0));
        }
        return new Page<string>(accounts, null);
    });

    static string Column(UsageKey key) => key switch
    {
        UsageKey.Account => "account",
        UsageKey.Orchestrator => "orchestrator",
        UsageKey.User => "\"user\"",
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

        public Where(UsageFilter filter)
        {
            Equal("account", filter.Account);
            Equal("orchestrator", filter.Orchestrator);
            Equal("\"user\"", filter.User);
            Equal("tenant", filter.Tenant);
            Equal("session", filter.Session);
            Equal("provider", filter.Provider);
            Equal("model", filter.Model);
            Equal("tool", filter.Tool);
            Equal("request_id", filter.RequestId);
            Equal("reservation_id", filter.ReservationId);
            if (filter.Success is { } success) And("success = {0}", success);
            if (filter.From is { } from) And("at >= {0}", UsageCursor.CeilingMillis(from));
            if (filter.To is { } to) And("at < {0}", UsageCursor.CeilingMillis(to));
        }

        void Equal(string column, string? value)
        {
            if (value is not null) And(column + " = {0}", value);
        }

        /// <summary>The condition names its values {0}, {1}: they become parameters.</summary>
        public void And(string condition, params object[] given)
        {
            var names = given.Select((_, i) => (object)("$" + (values.Count + i + 1).ToString(CultureInfo.InvariantCulture))).ToArray();
            sql.Append(sql.Length == 0 ? " where " : " and ").AppendFormat(CultureInfo.InvariantCulture, condition, names);
            values.AddRange(given);
        }

        public NpgsqlCommand Command(NpgsqlDataSource source, string text)
        {
            var command = source.CreateCommand(text);
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            return command;
        }

        public override string ToString() => sql.ToString();
    }
}
