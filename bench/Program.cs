// `./run bench`: see README.md in this folder.
using Purser.Bench;

var (quick, json, only) = (false, default(string), default(string));
for (var i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--reports":
            // `--reports 1000000 10000000 [--postgres]`
            var rest = args[(i + 1)..];
            await ReportBenchmark.RunAsync(
                Console.Out, [.. rest.Where(size => size != "--postgres").Select(size => long.Parse(size, System.Globalization.CultureInfo.InvariantCulture))], rest.Contains("--postgres"));
            return 0;
        case "--quick":
            quick = true;
            break;
        case "--json" when i + 1 < args.Length:
            json = args[++i];
            break;
        case "--only" when i + 1 < args.Length:
            only = args[++i];
            break;
        default:
            Console.Error.WriteLine("usage: ./run bench [--quick] [--json FILE] [--only NAME] | --reports RECORDS... [--postgres]");
            return args[i] is "--help" or "-h" ? 0 : 2;
    }

var results = await Comparison.RunAsync(new(quick, json, only));
results.Print(Console.Out);
if (json is not null) results.Save(json);
return 0;
