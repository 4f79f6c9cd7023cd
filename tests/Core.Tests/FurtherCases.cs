// The folders that PURSER_CASES names, separated like those of PATH: cases from elsewhere, for every suite that knows their form.
namespace Purser.Core.Tests;

static class FurtherCases
{
    public static IEnumerable<string> Files() =>
        from folder in (Environment.GetEnvironmentVariable("PURSER_CASES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        where Directory.Exists(folder)
        from file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        where Path.GetExtension(file) is ".json" or ".jsonl"
        select file;
}
