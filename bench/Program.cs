// `./run bench`: see README.md in this folder.
using Purser.Bench;

var (quick, json, only) = (false, default(string), default(string));
for (var i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--reports":
            var (sizes, postgres, keep) = (new List<long>(), false, default(string));
            for (i++; i < args.Length; i++)
                if (args[i] == "--postgres") postgres = true;
                else if (args[i] == "--keep" && i + 1 < args.Length) keep = args[++i];
                else sizes.Add(long.Parse(args[i], System.Globalization.CultureInfo.InvariantCulture));
            await ReportBenchmark.RunAsync(Console.Out, sizes, postgres, keep);
            return 0;
        case "--appends":
            await ReportBenchmark.AppendsAsync(Console.Out, args[(i + 1)..] is ["--postgres"]);
            return 0;
        case "soak":
            return await Soak.RunAsync(Console.Out, args[(i + 1)..]);
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
            Console.Error.WriteLine(
                "usage: ./run bench [--quick] [--json FILE] [--only NAME] | --reports RECORDS... [--postgres] [--keep FOLDER] | "
                    + "--appends [--postgres] | soak [--minutes N]");
            return args[i] is "--help" or "-h" ? 0 : 2;
    }

var results = await Comparison.RunAsync(new(quick, json, only));
results.Print(Console.Out);
if (json is not null) results.Save(json);
return 0;
