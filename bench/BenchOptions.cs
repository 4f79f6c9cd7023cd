// What is measured, and for how long.
using System.Globalization;

namespace Purser.Bench;

public sealed record BenchOptions
{
    /// <summary>The groups of rows that were asked for.</summary>
    public IReadOnlySet<string> Rows { get; private init; } = new HashSet<string>();

    public bool Quick { get; private init; }
    public string? JsonFile { get; private init; }
    public string? CompareFile { get; private init; }

    /// <summary>Only contenders with that in their name.</summary>
    public string? Only { get; private init; }

    /// <summary>Sizes of stores, in records.</summary>
    public IReadOnlyList<long> Records { get; private init; } = [];

    /// <summary>Numbers of accounts.</summary>
    public IReadOnlyList<long> Accounts { get; private init; } = [];

    /// <summary>So many records the rollups of a store stand for, where they are made to stand for more than it has.</summary>
    public long? Represented { get; private init; }

    public bool Postgres { get; private init; }
    public string? Keep { get; private init; }

    public int Rounds { get; private init; } = 5;

    public TimeSpan Round => TimeSpan.FromSeconds(Quick ? 0.3 : 2);
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 0.6 : 3);

    public bool Includes(string name) => Only is null || name.Contains(Only, StringComparison.OrdinalIgnoreCase);

    public static (BenchOptions? Options, string Wrong) Read(string[] arguments)
    {
        var (options, rows) = (new BenchOptions(), new HashSet<string>(StringComparer.Ordinal));
        var (records, accounts) = (new List<long>(), new List<long>());
        int? rounds = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            var (name, value) = (arguments[i], i + 1 < arguments.Length ? arguments[i + 1] : null);
            switch (name)
            {
                case "--quick":
                    options = options with { Quick = true };
                    continue;
                case "--postgres":
                    options = options with { Postgres = true };
                    continue;
                case var row when RowGroups.All.Any(group => group.Name == row):
                    rows.Add(row);
                    continue;
            }
            switch (name)
            {
                case "--json" or "--compare" or "--only" or "--keep" or "--rounds" or "--records" or "--accounts" or "--represented"
                    when value is null:
                    return (null, $"{name} needs a value");
                case "--json":
                    options = options with { JsonFile = value };
                    break;
                case "--compare" when !File.Exists(value):
                    return (null, $"there is no file {value}");
                case "--compare":
                    options = options with { CompareFile = value };
                    break;
                case "--only":
                    options = options with { Only = value };
                    break;
                case "--keep":
                    options = options with { Keep = value };
                    break;
                case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out var some) && some > 0:
                    rounds = some;
                    break;
                case "--records" when long.TryParse(value, CultureInfo.InvariantCulture, out var size) && size > 0:
                    records.Add(size);
                    break;
                case "--accounts" when long.TryParse(value, CultureInfo.InvariantCulture, out var many) && many > 0:
                    accounts.Add(many);
                    break;
                case "--represented" when long.TryParse(value, CultureInfo.InvariantCulture, out var whole) && whole > 0:
                    options = options with { Represented = whole };
                    break;
                case "--rounds" or "--records" or "--accounts" or "--represented":
                    return (null, $"{name} must be a whole number from 1 on");
                default:
                    return (null, $"'{name}' is neither an option nor the name of rows");
            }
            i++;
        }
        if (rows.Count == 0) rows.UnionWith(RowGroups.All.Where(group => group.IsUsual).Select(group => group.Name));
        return (options with { Rows = rows, Records = records, Accounts = accounts, Rounds = rounds ?? (options.Quick ? 1 : 5) }, "");
    }
}
