// The files under deploy against the code that they start: names of settings, ports, paths, budgets of time. A name that drifts apart is
// found here.
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Purser.House.Tests;

public sealed class ManifestTests(ITestOutputHelper output)
{
    const string Base = "deploy/kubernetes/base", Gate = "deploy/kubernetes/overlays/gate",
        MutualTls = "deploy/kubernetes/overlays/mutual-tls";

    public static TheoryData<string> Folders => [.. Directory.GetDirectories(Path.Combine(Repository.Root, "deploy/kubernetes/overlays"))
        .Select(folder => "deploy/kubernetes/overlays/" + Path.GetFileName(folder)).Prepend(Base)];

    Manifests Of(string folder)
    {
        var manifests = Manifests.Of(folder);
        output.WriteLine(manifests.How);
        return manifests;
    }

    // --- What the code says ---

    static readonly string siloOptions = Repository.Read("src/Silo/SiloOptions.cs");
    static readonly string siloHost = Repository.Read("src/Silo/SiloHost.cs");

    /// <summary>Every variable that the executable of the cluster reads.</summary>
    static readonly HashSet<string> clusterSettings =
        [.. Read(siloOptions), .. siloOptions.Contains("ServerOptions.KeyOf(", StringComparison.Ordinal)
        ? (string[])["PURSER_ADMIN_KEY", "PURSER_ADMIN_KEY_FILE"] : [],
        .. siloHost.Contains("GateOptions.Of(", StringComparison.Ordinal) ? Read(Repository.Read("src/Gate/Routes/GateOptions.cs")) : []];

    static readonly HashSet<string> embeddedSettings = Read(Repository.Read("src/Api/ServerOptions.cs"));

    static HashSet<string> Read(string source) =>
        [.. Regex.Matches(source, "configuration\\[\"([A-Z_]+)\"\\]").Select(match => match.Groups[1].Value),
            .. Regex.Matches(source, "Secrets\\.Of\\(configuration, \"([A-Z_]+)\"\\)").Select(match => match.Groups[1].Value)
                .SelectMany(name => (string[])[name, name + "_FILE"])];

    static int UsualPort(string member) => Number(siloOptions, $@"int {member} {{ get; init; }} = (\d+);");

    static readonly int shutdownSeconds = Number(siloHost, @"shutdownTime = TimeSpan\.FromSeconds\((\d+)\)")
        + Number(Repository.Read("src/Silo/LastResort.cs"), @"grace = TimeSpan\.FromSeconds\((\d+)\)");

    static readonly string executable = Regex.Match(Repository.Read("src/Silo/Silo.csproj"), "<AssemblyName>(.*)</AssemblyName>").Groups[
        1].Value;

    static readonly string[] healthPaths = [.. Regex.Matches(Repository.Read("src/Silo/NodeHealth.cs"), "MapMethods\\(\"([^\"]+)\"")
        .Select(match => match.Groups[1].Value)];

    static readonly string dockerfile = Repository.Read("deploy/Dockerfile");
    static readonly string compose = Repository.Read("deploy/compose.yaml");

    static int Number(string text, string pattern) => int.Parse(Regex.Match(text, pattern).Groups[1].Value, CultureInfo.InvariantCulture);

    [Fact]
    public void The_code_is_read_right()
    {
        Assert.Superset(new HashSet<string> { "PURSER_ROLE", "PURSER_REDIS", "PURSER_POSTGRES", "PURSER_SILO_PORT", "POD_IP" },
            clusterSettings);
        Assert.Superset(new HashSet<string> { "PURSER_DATA", "PURSER_LEDGER" }, embeddedSettings);
        Assert.Equal(["/health/live", "/health/ready"], healthPaths);
        Assert.True(UsualPort("SiloPort") > 0 && UsualPort("GatewayPort") > 0 && shutdownSeconds > 0 && executable.Length > 0);
    }

    // --- What the manifests say ---

    /// <summary>The settings of a container: its own, over those of the ConfigMaps that it names. Secret ones have no value here.</summary>
    static Dictionary<string, string?> Settings(Manifests manifests, Yaml container)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var from in container["envFrom"].Items)
            foreach (var (name, value) in manifests.OfKind("ConfigMap")
                .Single(map => Manifests.NameOf(map) == from.At("configMapRef.name").Text)["data"].Members)
                settings[name] = value.Text;
        foreach (var variable in container["env"].Items) settings[variable["name"].Text!] = variable["value"].Text;
        return settings;
    }

    [Theory, MemberData(nameof(Folders))]
    public void Every_setting_is_one_that_the_code_reads(string folder)
    {
        var manifests = Of(folder);
        Nothing.In(from one in manifests.Containers
                   from name in Settings(manifests, one.Container).Keys
                   where !clusterSettings.Contains(name)
                   select $"{Manifests.Shown(one.Deployment)}: {name}");
    }

    [Theory, MemberData(nameof(Folders))]
    public void Each_role_is_given_what_it_needs_and_no_more(string folder)
    {
        var manifests = Of(folder);
        var silo = Settings(manifests, Assert.Single(manifests.Deployment("purser-silo").At("spec.template.spec.containers").Items));
        var api = Settings(manifests, Assert.Single(manifests.Deployment("purser-api").At("spec.template.spec.containers").Items));
        Assert.Equal(("silo", "api"), (silo["PURSER_ROLE"], api["PURSER_ROLE"]));
        Assert.Superset(new HashSet<string> { "PURSER_POSTGRES", "PURSER_REDIS", "POD_IP" }, silo.Keys.ToHashSet());
        Assert.Superset(new HashSet<string> { "PURSER_ADMIN_KEY", "PURSER_REDIS" }, api.Keys.ToHashSet());
        Assert.DoesNotContain("PURSER_POSTGRES", api.Keys);
        Assert.DoesNotContain("PURSER_ADMIN_KEY", silo.Keys);
        Assert.Equal(silo.GetValueOrDefault("PURSER_CLUSTER_ID"), api.GetValueOrDefault("PURSER_CLUSTER_ID"));
    }

    [Fact]
    public void The_gate_has_the_keys_of_providers_and_the_way_to_them_and_no_other_secret()
    {
        var manifests = Of(Gate);
        var deployment = manifests.Deployment("purser-gate");
        var container = Assert.Single(deployment.At("spec.template.spec.containers").Items);
        var settings = Settings(manifests, container);
        Assert.Equal("gate", settings["PURSER_ROLE"]);
        Assert.Equal(["PURSER_REDIS"], container["env"].Items.Where(variable => variable.At("valueFrom.secretKeyRef").Exists)
            .Select(variable => variable["name"].Text));
        var mount = Assert.Single(container["volumeMounts"].Items, mount => mount["mountPath"].Text == settings["PURSER_GATE_KEYS"]);
        Assert.Equal("true", mount["readOnly"].Text);
        var volume = Assert.Single(deployment.At("spec.template.spec.volumes").Items, volume => volume["name"].Text == mount["name"].Text);
        Assert.Contains($"create secret generic {volume.At("secret.secretName").Text}", Repository.Read("docs/cluster.md"),
            StringComparison.Ordinal);
        // The silos let it through by this label. Apis send webhooks and alerts; silos, which have the ledger, reach nothing outside.
        Assert.Equal("true", deployment.At("spec.template.metadata.labels")["purser/client"].Text);
        var reaching = manifests.OfKind("NetworkPolicy").Where(policy => Allowed(policy["spec"]["egress"], "to")
            .Any(rule => rule.Port == 443)).Select(Manifests.NameOf);
        Assert.Equal(["purser-api", "purser-gate"], reaching.Order());
    }

    [Theory, MemberData(nameof(Folders))]
    public void Ports_are_those_that_the_code_listens_on(string folder)
    {
        var manifests = Of(folder);
        foreach (var (deployment, container) in manifests.Containers)
        {
            var settings = Settings(manifests, container);
            var ports = container["ports"].Items.ToDictionary(port => port["name"].Text!, port => port["containerPort"].Number);
            Assert.Equal(new Uri(settings["PURSER_URLS"]!).Port, ports["http"]);
            Assert.Equal(new Uri(settings["PURSER_METRICS_URLS"]!).Port, ports["metrics"]);
            if (settings["PURSER_ROLE"] != "silo") continue;
            Assert.Equal(settings.TryGetValue("PURSER_SILO_PORT", out var silo)
                ? silo : UsualPort("SiloPort").ToString(CultureInfo.InvariantCulture), ports["silo"]
                    .ToString(CultureInfo.InvariantCulture));
            Assert.Equal(settings.TryGetValue("PURSER_GATEWAY_PORT", out var gateway) ? gateway : UsualPort("GatewayPort")
                .ToString(CultureInfo.InvariantCulture), ports["gateway"].ToString(CultureInfo.InvariantCulture));
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Only_silos_reach_silos_and_only_apis_their_gateways(string folder)
    {
        var policies = Of(folder).OfKind("NetworkPolicy").ToDictionary(Manifests.NameOf);
        Assert.Equal([("silo", UsualPort("SiloPort")), ("api", UsualPort("GatewayPort")), ("clients", UsualPort("GatewayPort"))],
            Allowed(policies["purser-silo"]["spec"]["ingress"], "from"));
        Assert.Equal([("any", 8080)], Allowed(policies["purser-api"]["spec"]["ingress"], "from"));
        Assert.Contains(("silo", UsualPort("GatewayPort")), Allowed(policies["purser-api"]["spec"]["egress"], "to"));
        // An api that is broken into reaches no database.
        Assert.DoesNotContain(Allowed(policies["purser-api"]["spec"]["egress"], "to"), rule => rule.Port == 5432);
        Assert.All(policies.Values, policy =>
            Assert.Equal(["Ingress", "Egress"], policy.At("spec.policyTypes").Items.Select(type => type.Text)));
    }

    /// <summary>Who and which port, for each of the rules of one direction.</summary>
    static IEnumerable<(string Peer, int Port)> Allowed(Yaml rules, string direction) => rules.Items.SelectMany(rule =>
    {
        var peer = rule[direction].Items is [var only, ..] ? only.At("podSelector.matchLabels")["app.kubernetes.io/component"].Text
            ?? (only.At("podSelector.matchLabels")["purser/client"].Exists ? "clients" : "address") : "any";
        return rule["ports"].Items.Select(port => (peer, port["port"].Number));
    });

    [Theory, MemberData(nameof(Folders))]
    public void Probes_ask_paths_that_the_code_answers(string folder)
    {
        foreach (var (_, container) in Of(folder).Containers)
        {
            Assert.Equal("/health/live", Path(container, "startupProbe"));
            Assert.Equal("/health/live", Path(container, "livenessProbe"));
            Assert.Equal("/health/ready", Path(container, "readinessProbe"));
            // The code itself waits two seconds for the ledger, and should be heard saying so.
            Assert.InRange(container.At("readinessProbe.timeoutSeconds").Number, 3, 30);
        }

        static string? Path(Yaml container, string probe)
        {
            Assert.Equal("http", container[probe].At("httpGet.port").Text);
            Assert.Contains(container[probe].At("httpGet.path").Text, healthPaths);
            return container[probe].At("httpGet.path").Text;
        }
    }

    /// <summary>It listens once its schema is the newest: what is killed in the middle of a migration begins it again, without
    /// end.</summary>
    [Theory, MemberData(nameof(Folders))]
    public void A_silo_has_an_hour_for_its_schema(string folder)
    {
        var silo = Of(folder).Containers.Single(one => Manifests.NameOf(one.Deployment) == "purser-silo").Container["startupProbe"];
        Assert.True(silo["periodSeconds"].Number * silo["failureThreshold"].Number >= 3600);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Whatever_is_referred_to_exists(string folder)
    {
        var manifests = Of(folder);
        var maps = manifests.OfKind("ConfigMap").Select(Manifests.NameOf).ToHashSet();
        var missing = new List<string>();
        foreach (var (deployment, container) in manifests.Containers)
        {
            missing.AddRange(container["envFrom"].Items.Select(from => from.At("configMapRef.name").Text)
                .Where(name => name is null || !maps.Contains(name)).Select(name => $"ConfigMap {name}"));
            missing.AddRange(container["env"].Items.Select(variable => variable.At("valueFrom.secretKeyRef"))
                .Where(secret => secret.Exists && !Told(secret)).Select(secret => $"Secret {secret}"));
            var volumes = deployment.At("spec.template.spec.volumes").Items.Select(volume => volume["name"].Text);
            missing.AddRange(container["volumeMounts"].Items.Select(mount => mount["name"].Text).Except(volumes)
                .Select(name => $"volume {name}"));
        }
        missing.AddRange(manifests.OfKind("HorizontalPodAutoscaler").Select(scaler => scaler.At("spec.scaleTargetRef"))
            .Where(target => !manifests.All.Any(one => one["kind"].Text == target["kind"].Text && one["apiVersion"].Text == target[
                "apiVersion"].Text && Manifests.NameOf(one) == target["name"].Text))
            .Select(target => target.ToString()));
        foreach (var service in manifests.OfKind("Service"))
            foreach (var port in service.At("spec.ports").Items)
                if (!Selected(manifests, service.At("spec.selector"))
                    .Any(pod => pod.At("spec.containers").Items.SelectMany(container => container["ports"].Items)
                    .Any(known => known["name"].Text == port["targetPort"].Text)))
                    missing.Add($"{Manifests.Shown(service)}: port {port["targetPort"].Text}");
        // Whoever selects pods selects some; a Deployment its own.
        missing.AddRange(
            manifests.All.SelectMany(one => one.Everything.Where(node => node.At("podSelector.matchLabels").Exists
                || node.At("selector.matchLabels").Exists)
            .SelectMany(node => (string[])["podSelector", "selector", "labelSelector"], (node, kind) => node[kind]["matchLabels"])
            // Those of callers are theirs.
            .Where(labels => labels.Exists && !labels["purser/client"].Exists && !Selected(manifests, labels).Any())
                .Select(labels => $"{Manifests.Shown(one)} selects {labels}")));
        Nothing.In(missing);
    }

    static IEnumerable<Yaml> Selected(Manifests manifests, Yaml labels) => manifests.OfKind("Deployment")
        .Select(deployment => deployment.At("spec.template"))
        .Where(pod => labels.Members.All(label => pod["metadata"]["labels"][label.Key].Text == label.Value.Text));

    /// <summary>Secrets are made by hand: the command for it stands in the document.</summary>
    static bool Told(Yaml secret) => Regex.IsMatch(
        Repository.Read("docs/cluster.md"),
            $@"create secret generic {Regex.Escape(secret["name"].Text!)} (.*\\\n)*.*--from-literal={Regex.Escape(secret["key"].Text!)}=");

    [Theory, MemberData(nameof(Folders))]
    public void No_secret_is_written_down(string folder) => Nothing.In(Of(folder).OfKind("Secret").Select(Manifests.Shown));

    [Theory, MemberData(nameof(Folders))]
    public void All_run_the_one_image_by_the_name_that_the_code_has(string folder)
    {
        var containers = Of(folder).Containers.Select(one => one.Container).ToList();
        Assert.Equal(folder is Gate or MutualTls ? 3 : 2, containers.Count);
        Assert.Single(containers.Select(container => container["image"].Text).Distinct());
        Assert.Matches("(^|/)purser(:|$)", containers[0]["image"].Text);
        Assert.All(containers, container =>
            Assert.Equal($"/app/{executable}/{executable}", Assert.Single(container["command"].Items).Text));
        Assert.Contains($"dotnet publish src/Silo -c Release --nologo -o /app/{executable}", dockerfile, StringComparison.Ordinal);
        Assert.Contains("COPY --from=build /app /app", dockerfile, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Nobody_is_killed_before_everything_is_handed_over(string folder)
    {
        foreach (var (deployment, container) in Of(folder).Containers)
        {
            var pause = container.At("lifecycle.preStop.sleep.seconds") is { Exists: true } seconds ? seconds.Number : 0;
            Assert.True(
                deployment.At("spec.template.spec.terminationGracePeriodSeconds").Number > shutdownSeconds + pause,
                $"{Manifests.Shown(deployment)}: it may take {shutdownSeconds} s, after {pause} s of pause");
        }
        Assert.True(Number(compose, @"stop_grace_period: (\d+)s") > shutdownSeconds);
    }

    [Theory, MemberData(nameof(Folders))]
    public void At_most_one_of_a_kind_is_taken_away_at_a_time(string folder)
    {
        var manifests = Of(folder);
        foreach (var deployment in manifests.OfKind("Deployment"))
        {
            var pods = deployment.At("spec.template.metadata.labels").Members;
            Assert.InRange(deployment.At("spec.strategy.rollingUpdate.maxUnavailable").Number, 0, 1);
            Assert.Equal(1, deployment.At("spec.strategy.rollingUpdate.maxSurge").Number);
            var budget = Assert.Single(manifests.OfKind("PodDisruptionBudget"), one => one.At("spec.selector.matchLabels").Members.All(
                label => pods[label.Key].Text == label.Value.Text));
            Assert.Equal(1, budget.At("spec.maxUnavailable").Number);
            Assert.Equal("AlwaysAllow", budget.At("spec.unhealthyPodEvictionPolicy").Text);
            Assert.Equal("true", deployment.At("metadata.annotations")["reloader.stakater.com/auto"].Text);
            Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"],
                deployment.At("spec.template.spec.topologySpreadConstraints").Items
                .Select(spread => spread["topologyKey"].Text));
            var scaler = Assert.Single(manifests.OfKind("HorizontalPodAutoscaler"), one =>
                one.At("spec.scaleTargetRef.name").Text == Manifests.NameOf(deployment));
            Assert.InRange(scaler.At("spec.minReplicas").Number, 2, scaler.At("spec.maxReplicas").Number);
            // Two that both set the number undo each other's work.
            Assert.False(deployment.At("spec.replicas").Exists);
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Containers_may_do_nothing_that_they_do_not_need(string folder)
    {
        foreach (var (deployment, container) in Of(folder).Containers)
        {
            var pod = deployment.At("spec.template.spec");
            Assert.Equal("true", pod.At("securityContext.runAsNonRoot").Text);
            Assert.Equal("RuntimeDefault", pod.At("securityContext.seccompProfile.type").Text);
            Assert.Equal("false", pod["automountServiceAccountToken"].Text);
            Assert.Equal("true", container.At("securityContext.readOnlyRootFilesystem").Text);
            Assert.Equal("false", container.At("securityContext.allowPrivilegeEscalation").Text);
            Assert.Equal(["ALL"], container.At("securityContext.capabilities.drop").Items.Select(item => item.Text));
            Assert.True(container.At("resources.requests.cpu").Exists && container.At("resources.requests.memory").Exists
                && container.At("resources.limits.memory").Exists);
            // A throttled silo misses probes, and is given up though it is healthy.
            Assert.False(container.At("resources.limits.cpu").Exists);
        }
    }

    /// <summary>A pod whose temporary files outgrow their volume is evicted in the middle of calls.</summary>
    [Theory, MemberData(nameof(Folders))]
    public void Forms_under_way_have_room_in_a_pod_and_other_files_beside_them(string folder)
    {
        const long mebibyte = 1024 * 1024, others = 128;
        var code = Repository.Read("src/Gate/Routes/GateOptions.cs");
        var usual = Regex.Match(code, @"UsualFormBytes = ([\d *]+);").Groups[1].Value.Split('*').Aggregate(1L, (product, factor) =>
            product * long.Parse(factor, CultureInfo.InvariantCulture));
        var manifests = Of(folder);
        foreach (var (deployment, container) in manifests.Containers)
        {
            var settings = Settings(manifests, container);
            if (settings["PURSER_ROLE"] == "silo") continue;
            var pod = deployment.At("spec.template.spec");
            var mount = Assert.Single(container["volumeMounts"].Items, mount => mount["mountPath"].Text == "/tmp");
            var volume = Assert.Single(pod["volumes"].Items, volume => volume["name"].Text == mount["name"].Text);
            var size = volume.At("emptyDir.sizeLimit").Text!;
            var forms = settings.GetValueOrDefault("PURSER_GATE_FORM_BYTES") is { } set
                ? long.Parse(set, CultureInfo.InvariantCulture) : usual;
            Assert.True(Number(size, @"^(\d+)Mi$") >= forms / mebibyte + others, $"{Manifests.Shown(deployment)}: {size}");
            Assert.Equal(size, container.At("resources.requests.ephemeral-storage").Text);
        }
    }

    [Fact]
    public void The_migration_is_a_job_of_the_same_image_that_may_as_little()
    {
        var job = Assert.Single(Of("deploy/kubernetes/components/migration").OfKind("Job"));
        var (pod, container) = (job.At("spec.template.spec"), Assert.Single(job.At("spec.template.spec.containers").Items));
        Assert.Equal([$"/app/{executable}/{executable}", "migrate"], container["command"].Items.Select(word => word.Text));
        Assert.Contains("args is [\"migrate\"]", Repository.Read("src/Silo/Program.cs"), StringComparison.Ordinal);
        Assert.Equal(["PURSER_POSTGRES"], container["env"].Items.Select(variable => variable["name"].Text));
        Assert.Equal(("true", "false", "purser"), (pod.At("securityContext.runAsNonRoot").Text, pod["automountServiceAccountToken"].Text,
            container["image"].Text));
    }

    [Theory, MemberData(nameof(Folders))]
    public void No_policy_keeps_the_migration_from_the_database(string folder)
    {
        var labels = Assert.Single(Of("deploy/kubernetes/components/migration").OfKind("Job")).At("spec.template.metadata.labels");
        Nothing.In(Of(folder).OfKind("NetworkPolicy").Where(policy => Selects(policy.At("spec.podSelector"))
            && policy.At("spec.policyTypes").Items.Any(type => type.Text == "Egress")
            && !Allowed(policy.At("spec.egress"), "to").Any(way => way.Port == 5432)).Select(Manifests.Shown));

        bool Selects(Yaml selector) => selector["matchLabels"].Members.All(one => labels[one.Key].Text == one.Value.Text)
            && selector["matchExpressions"].Items.All(one => one["operator"].Text == "In"
                && one["values"].Items.Any(value => value.Text == labels[one["key"].Text!].Text));
    }

    [Fact]
    public void The_connections_of_the_most_silos_are_told()
    {
        var most = Of(Base).OfKind("HorizontalPodAutoscaler").Single(one => Manifests.NameOf(one) == "purser-silo")
            .At("spec.maxReplicas").Number;
        var cluster = Repository.Read("docs/cluster.md");
        var pool = Number(cluster, @"Maximum Pool Size=(\d+)");
        Assert.Contains($"{most} silos and one more while they are replaced need {(most + 1) * (pool + 4) + 3} connections", cluster,
            StringComparison.Ordinal);
    }

    // --- Compose and image ---

    [Fact]
    public void The_compose_file_and_the_image_set_only_what_the_code_reads()
    {
        Nothing.In(Names(Regex.Replace(compose, @"(?m)#.*$|\$\{[^}]*\}", "")).Except(clusterSettings)
            .Select(name => $"compose.yaml: {name}"));
        Nothing.In(Names(Regex.Replace(dockerfile, "(?m)^#.*$", "")).Except(clusterSettings.Union(embeddedSettings))
            .Select(name => $"Dockerfile: {name}"));

        static IEnumerable<string> Names(string text) => Regex.Matches(text, "PURSER_[A-Z_]+").Select(match => match.Value).Distinct();
    }

    [Fact]
    public void The_compose_file_runs_three_silos_and_an_api_of_the_image()
    {
        Assert.Equal(3, Regex.Count(compose, @"(?m)^  silo-\d:$"));
        // Each tells others the address that it has.
        Assert.All(Regex.Matches(compose, @"PURSER_ADVERTISED_IP: (\S+) }\n.*ipv4_address: (\S+) }").Cast<Match>(), match =>
            Assert.Equal(match.Groups[1].Value, match.Groups[2].Value));
        Assert.Contains($"entrypoint: [\"/app/{executable}/{executable}\"]", compose, StringComparison.Ordinal);
        var asked = Regex.Matches(compose, @"http://(silo-\d|api):(\d+)(/[a-z/]+)").ToList();
        Assert.Equal(["silo-1", "silo-2", "silo-3", "api"], asked.Select(match => match.Groups[1].Value));
        Assert.All(asked, match => Assert.Contains(match.Groups[3].Value, healthPaths));
        Assert.All(asked, match => Assert.Equal(Number(dockerfile, @"PURSER_URLS=http://0\.0\.0\.0:(\d+)"),
            int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)));
    }

    /// <summary>What lies outside of `src` and is built in has to be in the context of the image.</summary>
    [Fact]
    public void The_image_is_built_with_everything_that_is_built_in()
    {
        var rules = Repository.Read("deploy/Dockerfile.dockerignore").Split('\n', StringSplitOptions.TrimEntries)
            .Where(line => line.Length > 0 && line[0] != '#').ToList();
        const string builtIn = @"<(?!None|Content)\w+ (Include|Project)=""(?:\.\./)+(?<path>[\w./-]+)""";
        var outside = Repository.Files("src", ".csproj").Concat(Repository.Files("src", ".props"))
            .SelectMany(project => Regex.Matches(project.Text, builtIn).Select(match => match.Groups["path"].Value))
            .Where(path => File.Exists(Path.Combine(Repository.Root, path))).ToList();
        Assert.Contains("docs/problems.md", outside);
        Nothing.In(outside.Where(path => rules.LastOrDefault(rule => Covers(rule.TrimStart('!'), path)) is { } last && last[0] != '!'));

        static bool Covers(string rule, string path) => path == rule || path.StartsWith(rule + "/", StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_does_not_run_as_root() => Assert.Matches(@"(?s)FROM [^\n]*-chiseled\n.*\nUSER \$APP_UID\n", dockerfile);
}
