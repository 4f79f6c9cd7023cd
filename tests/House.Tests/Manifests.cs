// What `kubectl apply -k` would send: rendered by kubectl where there is one, else read from the files as they stand.
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

/// <summary><see cref="How"/> says which of both was done; `./test` prints it.</summary>
sealed record Manifests(string How, IReadOnlyList<Yaml> All)
{
    public IEnumerable<Yaml> OfKind(string kind) => All.Where(one => one["kind"].Text == kind);

    public static string NameOf(Yaml one) => one.At("metadata.name").Text ?? "";

    /// <summary>As in `Deployment purser-silo`.</summary>
    public static string Shown(Yaml one) => $"{one["kind"].Text} {NameOf(one)}";

    public Yaml Deployment(string name) => OfKind("Deployment").Single(one => NameOf(one) == name);

    public IEnumerable<(Yaml Deployment, Yaml Container)> Containers =>
        OfKind("Deployment").SelectMany(deployment => deployment.At("spec.template.spec.containers").Items.Select(container =>
            (deployment, container)));

    static readonly ConcurrentDictionary<string, Manifests> known = [];

    public static Manifests Of(string folder) => known.GetOrAdd(folder, Made);

    static Manifests Made(string folder)
    {
        var (rendered, why) = Render(folder);
        return rendered is not null ? new($"{folder}: rendered by kubectl kustomize", Yaml.Documents(rendered))
            : new($"{folder}: read without rendering, {why}", [.. Unrendered(folder)]);
    }

    /// <summary>Folders as resources are known from kubectl 1.21 on; an older one counts as none.</summary>
    static (string? Rendered, string Why) Render(string folder)
    {
        try
        {
            var (_, version, _) = Run("version", "--client");
            var minor = Regex.Match(version, @"v1\.(\d+)\.");
            if (!minor.Success || int.Parse(minor.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) < 21)
                return (null, "kubectl is older than 1.21");
        }
        catch (Win32Exception)
        {
            return (null, "there is no kubectl here");
        }
        var (code, output, errors) = Run("kustomize", Path.Combine(Repository.Root, folder));
        // Deprecations are errors here, as warnings are elsewhere.
        Assert.True(code == 0 && errors.Length == 0, $"kubectl kustomize {folder} ended with {code}: {errors}");
        return (output, "");
    }

    static (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo("kubectl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result.Trim());
    }

    /// <summary>The resources that a kustomization names, and the ConfigMaps that it makes; patches are not applied.</summary>
    static IEnumerable<Yaml> Unrendered(string folder)
    {
        var kustomization = Yaml.Document(Repository.Read(Path.Combine(folder, "kustomization.yaml")));
        foreach (var resource in kustomization["resources"].Items)
        {
            var path = Path.Combine(folder, resource.Text!);
            foreach (var one in Directory.Exists(Path.Combine(Repository.Root, path))
                ? Unrendered(path) : Yaml.Documents(Repository.Read(path))) yield return one;
        }
        foreach (var map in kustomization["configMapGenerator"].Items)
            yield return Yaml.Mapping([
                new("kind", "ConfigMap"), new("metadata", Yaml.Mapping([new("name", map["name"].Text!)])),
                new("data", Yaml.Mapping(map["literals"].Items.Select(line => line.Text!.Split('=', 2))
                    .Select(pair => KeyValuePair.Create(pair[0], (Yaml)pair[1])))),
            ]);
    }
}
