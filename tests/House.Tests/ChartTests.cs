// The Helm chart against the manifests that it is made of: with its own values it is the base, so that neither drifts from the other.
using System.Text.RegularExpressions;

namespace Purser.House.Tests;

public sealed class ChartTests
{
    const string Folder = "deploy/helm/";

    static readonly Yaml values = Yaml.Document(Repository.Read(Folder + "values.yaml"));

    /// <summary>What Helm would make of a template of this chart: there is nothing in them but values, parts that are left out where a
    /// value is empty, and one whole file that is left out unless it is enabled.</summary>
    static string Rendered(string template, Dictionary<string, string>? given = null)
    {
        var text = Regex.Replace(
            Repository.Read($"{Folder}templates/{template}"), @"(?m)^ *(checksum/settings:|# A changed setting).*\n", "");
        text = Regex.Replace(text, @"(?ms)^ +\{\{- if \.Values\.([a-zA-Z.]+) \}\}\n(.*?)^ +\{\{- end \}\}\n", part =>
            ValueOf(part.Groups[1].Value).Length > 0 ? part.Groups[2].Value : "");
        text = Regex.Replace(text, @"(?m)^\{\{- (if \.Values\.gate\.enabled|end) \}\}\n?", "");
        return Regex.Replace(text, @"\{\{ \.Values\.([a-zA-Z.]+)( \| quote)? \}\}", value =>
            value.Groups[2].Success ? $"\"{ValueOf(value.Groups[1].Value)}\"" : ValueOf(value.Groups[1].Value));

        string ValueOf(string name) => given?.GetValueOrDefault(name) ?? values.At(name).Text
            ?? throw new FormatException($"{template}: no value {name}");
    }

    [Theory]
    [InlineData("silo")]
    [InlineData("api")]
    [InlineData("gate")]
    public void With_certificates_a_node_is_given_what_the_component_gives_it(string role)
    {
        var pod = Yaml.Documents(Rendered($"{role}.yaml", new() { ["peerSecretName"] = "purser-peer" }))
            .Single(one => one["kind"].Text == "Deployment").At("spec.template.spec");
        var container = pod["containers"].Items[0];
        var given = container["env"].Items.Concat(container["volumeMounts"].Items).Concat(pod["volumes"].Items)
            .Select(one => one.ToString());
        var added = Yaml.Document(Repository.Read("deploy/kubernetes/components/peer-tls/nodes.yaml")).Items
            .Select(one => one["value"].ToString()).ToList();
        Assert.Equal(5, added.Count);
        Nothing.In(added.Except(given).Select(one => one!));
    }

    [Theory]
    [InlineData("api")]
    [InlineData("gate")]
    public void With_a_certificate_it_speaks_the_TLS_of_the_component(string role)
    {
        var documents = Yaml.Documents(Rendered($"{role}.yaml", new() { ["tlsSecretName"] = "purser-tls" })).ToArray();
        var pod = documents.Single(one => one["kind"].Text == "Deployment").At("spec.template.spec");
        var container = pod["containers"].Items[0];
        var given = container["env"].Items.Concat(container["volumeMounts"].Items).Concat(pod["volumes"].Items)
            .Select(one => one.ToString());
        var added = Yaml.Document(Repository.Read("deploy/kubernetes/components/http-tls/nodes.yaml")).Items;
        Nothing.In(added.Where(one => one["path"].Text!.EndsWith('-')).Select(one => one["value"].ToString()).Except(given)
            .Select(one => one!));
        var schemes = added.Where(one => one["path"].Text!.EndsWith("/scheme", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, schemes.Length);
        foreach (var scheme in schemes)
            Assert.Equal(scheme["value"].Text, container[scheme["path"].Text!.Split('/')[^3]]["httpGet"]["scheme"].Text);
        var ports = documents.Single(one => one["kind"].Text == "Service").At("spec.ports").Items.Select(one => one.ToString());
        Assert.Contains(Yaml.Document(Repository.Read("deploy/kubernetes/components/http-tls/services.yaml")).Items.Single()["value"]
            .ToString(), ports);
    }

    [Theory]
    [InlineData("silo.yaml", "base")]
    [InlineData("api.yaml", "base")]
    [InlineData("network.yaml", "base")]
    [InlineData("gate.yaml", "components/gate")]
    public void With_its_own_values_it_is_the_base(string file, string folder)
    {
        var rendered = Rendered(file);
        Assert.DoesNotContain("{{", rendered, StringComparison.Ordinal);
        Assert.Equal(Yaml.Documents(Repository.Read($"deploy/kubernetes/{folder}/{file}")).Select(one => one.ToString()),
            Yaml.Documents(rendered).Select(one => one.ToString()));
    }

    [Fact]
    public void Its_settings_are_those_of_the_base()
    {
        var expected = Yaml.Document(Repository.Read("deploy/kubernetes/base/kustomization.yaml"))["configMapGenerator"].Items.Single()[
            "literals"].Items
            .Select(line => line.Text!.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(expected, Yaml.Document(Rendered("settings.yaml"))["data"].Members.ToDictionary(one => one.Key, one =>
            one.Value.Text!));
    }

    [Fact]
    public void Every_value_is_used() => Nothing.In(Names(values, "").Where(name =>
        !Repository.Files(Folder + "templates", ".yaml")
            .Any(template => template.Text.Contains(".Values." + name, StringComparison.Ordinal))));

    static IEnumerable<string> Names(Yaml node, string path) => node.Members.SelectMany(member =>
        member.Value.Members.Count > 0 ? Names(member.Value, $"{path}{member.Key}.") : [path + member.Key]);
}
