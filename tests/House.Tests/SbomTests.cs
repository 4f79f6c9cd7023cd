// What a release is made of, as `deploy/sbom` lists it, against the lock files that it is built from.
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Purser.House.Tests;

[Trait("needs", "cyclonedx")]
public sealed class SbomTests
{
    [Fact]
    public async Task Every_locked_package_is_listed_with_its_version_and_its_licence()
    {
        var folder = Directory.CreateTempSubdirectory("purser-sbom-").FullName;
        try
        {
            var file = Path.Combine(folder, "purser.cdx.json");
            var start = new ProcessStartInfo(Path.Combine(Repository.Root, "deploy/sbom"), [file])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var said = process.StandardOutput.ReadToEndAsync();
            var errors = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, await said + errors);

            var bom = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
            Assert.Equal(("CycloneDX", "purser"), ((string?)bom["bomFormat"], (string?)bom["metadata"]!["component"]!["name"]));
            Assert.Null(bom["metadata"]!["timestamp"]);
            Assert.Null(bom["serialNumber"]);
            var components = bom["components"]!.AsArray();
            var listed = components.Select(one => $"{one!["name"]} {one["version"]}").ToHashSet();
            foreach (var project in (string[])["Api", "Silo"])
                Nothing.In(Locked($"src/{project}/packages.lock.json").Except(listed).Select(missing => $"{project}: {missing}"));
            Nothing.In(components.Where(one => one!["licenses"] is null && one["externalReferences"] is null)
                .Select(one => $"{one!["name"]}: no licence"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static IEnumerable<string> Locked(string file) =>
        from framework in JsonNode.Parse(Repository.Read(file))!["dependencies"]!.AsObject()
        from package in framework.Value!.AsObject()
        where (string?)package.Value!["type"] != "Project"
        select $"{package.Key} {package.Value!["resolved"]}";
}
