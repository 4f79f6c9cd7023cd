// Policies over HTTP: the shape, what is put is what is read, versions.
namespace Purser.Conformance.Http;

public abstract class PolicyConformance(HttpFacade host)
{
    const string Full = """
        {"limits":[
          {"id":"a","name":"All tokens","unit":"tokens","window":"rolling:P7D","amount":1000000,"match":{"model":"gpt-4*","tags.team":"search"},"each":"user","enforcement":"soft","mode":"shadow","thresholds":[{"ratio":0.5,"level":"info"},{"ratio":1.5,"level":"exceeded"}]},
          {"id":"b","unit":"cost","window":"month","amount":"12.5","enforcement":"hard","mode":"enforce"},
          {"id":"c","unit":"requests","window":"minute","amount":null,"enforcement":"hard","mode":"off"}],
         "timeZone":"Europe/Berlin","weekStart":"sunday","monthAnchorDay":31,"currency":"EUR",
         "unpriced":{"rule":"fallback","fallback":"gpt-4o"},
         "holds":{"defaultTtlSeconds":60,"defaultMaxOutputTokens":500,"onExpiry":"charge"},
         "statusLevels":{"warning":0.7,"critical":0.9,"exceeded":1},
         "overridesAllowed":false,"version":1}
        """;

    [Fact]
    public async Task A_policy_is_read_as_it_was_put()
    {
        var path = $"/v1/accounts/{host.NewAccount()}/policy";
        var put = await host.Put(path, Full);
        put.Is(200, Full);
        Assert.Equal("\"1\"", put.Header("ETag"));
        var read = await host.Get(path);
        read.Is(200, Full);
        Assert.Equal("\"1\"", read.Header("ETag"));
        // And what was read can be put back.
        Assert.Equal(200, (await host.Put(path, read.Text)).Code);
    }

    [Fact]
    public async Task A_limit_that_comes_after_records_were_erased_says_since_when_it_counts()
    {
        var account = host.NewAccount();
        await host.Put($"/v1/accounts/{account}/policy", """{"limits":[{"id":"before","unit":"tokens","window":"day","amount":1000}]}""");
        await host.Post($"/v1/accounts/{account}/usage", """{"id":"u","inputTokens":10}""");
        Assert.Equal(200, (await host.Delete($"/v1/accounts/{account}/usage")).Code);
        await host.Put($"/v1/accounts/{account}/policy",
            """{"limits":[{"id":"before","unit":"tokens","window":"day","amount":1000},{"id":"after","unit":"tokens","window":"day","amount":1000}]}""");
        var limits = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("limits");
        Assert.False(limits[0].TryGetProperty("countedSince", out _));
        Assert.Equal(10, limits[0].GetProperty("settled").GetInt64());
        Assert.StartsWith("2026-03-14T15:", limits[1].GetProperty("countedSince").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_not_said_is_not_shown_and_can_be_asked_for()
    {
        var path = $"/v1/accounts/{host.NewAccount()}/policy";
        await host.Put(path, """{"limits":[{"id":"a","unit":"tokens","window":"day","amount":0,"thresholds":[0.5,0.8,{"ratio":0.9},1,1.2]}]}""");
        var limit = """
            {"id":"a","unit":"tokens","window":"day","amount":0,"enforcement":"hard","mode":"enforce",
             "thresholds":[{"ratio":0.5,"level":"info"},{"ratio":0.8,"level":"warning"},{"ratio":0.9,"level":"critical"},{"ratio":1,"level":"exceeded"},{"ratio":1.2,"level":"exceeded"}]}
            """;
        (await host.Get(path)).Is(200, $$"""{"limits":[{{limit}}],"version":1}""");
        (await host.Get(path + "?effective=true")).Is(200, $$"""
            {"limits":[{{limit}}],"timeZone":"UTC","weekStart":"monday","monthAnchorDay":1,"currency":"USD","unpriced":{"rule":"refuse"},
             "holds":{"defaultTtlSeconds":900,"onExpiry":"release"},"statusLevels":{"warning":0.8,"critical":0.95,"exceeded":1},"overridesAllowed":true,"adaptive":{"measures":["reduce_max_tokens","use_smaller_model","disable_tools"],"fallbackModels":[],"minOutputTokens":50},
             "anomalies":{"enabled":true,"detectors":["seasonal","errorRate","newModel","velocity","burst","firstDays"],
              "thresholds":{"burst":8,"errorRate":0.1,"firstDays":3,"perCall":4,"ratioCalls":3,"ratioCost":2,"ratioTokens":2,"seasonal":2.25,"velocity":1.2,"zscore":2.5},"windowSize":24,"minDataPoints":10 },"usage":{"disputed":"book","cost":"computed","recording":"on"},"version":1}
            """);
    }

    [Fact]
    public async Task If_Match_holds_or_refuses()
    {
        var path = $"/v1/accounts/{host.NewAccount()}/policy";
        (await host.Put(path, "{}", ("If-Match", "*"))).IsProblem(412, "version-mismatch", "If-Match");
        Assert.Equal(200, (await host.Put(path, "{}", ("If-None-Match", "*"))).Code);
        (await host.Put(path, "{}", ("If-None-Match", "*"))).IsProblem(412, "version-mismatch", "If-Match");
        // What changes nothing makes no version.
        Assert.Equal("\"1\"", (await host.Put(path, "{}", ("If-Match", "\"1\""))).Header("ETag"));
        const string other = """{"timeZone":"Europe/Berlin"}""";
        Assert.Equal("\"2\"", (await host.Put(path, other, ("If-Match", "\"1\""))).Header("ETag"));
        // Whoever puts it again because the answer was lost is not told that somebody else was faster.
        var again = await host.Put(path, other, ("If-Match", "\"1\""));
        Assert.Equal((200, "\"2\""), (again.Code, again.Header("ETag")));
        (await host.Put(path, "{}", ("If-Match", "\"1\""))).IsProblem(412, "version-mismatch", "If-Match");
        (await host.Put(path, "{}", ("If-Match", "W/\"2\""))).IsProblem(412, "version-mismatch", "If-Match");
        (await host.Put(path, "{}", ("If-Match", "\"of another service\""))).IsProblem(412, "version-mismatch", "If-Match");
        Assert.Equal(200, (await host.Put(path, "{}", ("If-Match", "*"))).Code);
        Assert.Equal(304, (await host.Send(HttpMethod.Get, path, (string?)null, ("If-None-Match", "\"3\""))).Code);
    }

    [Fact]
    public async Task The_default_policy_lies_under_every_account()
    {
        const string path = "/v1/default-policy", day = """{"limits":[{"id":"d","unit":"requests","window":"day","amount":1}]}""";
        var account = host.NewAccount();
        Assert.Equal(200, (await host.Get(path)).Code);
        try
        {
            var before = (await host.Put(path, """{"timeZone":"Europe/Berlin"}""")).Header("ETag")!;
            var put = await host.Put(path + "?by=ada&reason=a%20roof", day, ("If-Match", before));
            Assert.Equal(200, put.Code);
            (await host.Put(path, "{}", ("If-Match", before))).IsProblem(412, "version-mismatch", "If-Match");
            (await host.Put(path, day, ("If-None-Match", "*"))).IsProblem(412, "version-mismatch", "If-Match");
            // Whoever puts it again because the answer was lost is not told that somebody else was faster.
            Assert.Equal(200, (await host.Put(path, day, ("If-Match", "*"))).Code);
            var again = await host.Put(path, day, ("If-Match", before));
            Assert.Equal((200, put.Header("ETag")), (again.Code, again.Header("ETag")));
            var change = (await host.Get(path + "/history")).Json.GetProperty("items").EnumerateArray().Last();
            Assert.Equal(("ada", "a roof", put.Header("ETag")), (change.GetProperty("by").GetString(), change.GetProperty("reason").GetString(),
                $"\"{change.GetProperty("version").GetInt64()}\""));
            Assert.Equal(("Europe/Berlin", "d"), (change.GetProperty("before").GetProperty("timeZone").GetString(),
                change.GetProperty("after").GetProperty("limits")[0].GetProperty("id").GetString()));
            Assert.Equal(201, (await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":1}""")).Code);
            (await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":1}""")).IsProblem(429, "limit-exceeded");
            (await host.Put(path, """{"timeZone":"Mars/Olympus"}""")).IsProblem(400, "invalid", "timeZone");
        }
        finally
        {
            await host.Put(path, "{}");
        }
    }

    [Theory]
    [InlineData("""{"adaptive":{"measures":["shorten"]}}""", 400, "adaptive.measures[0]")]
    [InlineData("""{"adaptive":{"measures":["disable_tools","disable_tools"]}}""", 400, "adaptive.measures[1]")]
    [InlineData("""{"adaptive":{"fallbackModels":["gpt-4o-mini",null]}}""", 400, "adaptive.fallbackModels[1]")]
    [InlineData("""{"adaptive":{"minOutputTokens":0}}""", 400, "adaptive.minOutputTokens")]
    [InlineData("""{"adaptive":{"minTokens":5}}""", 400, "adaptive.minTokens")]
    [InlineData("""{"anomalies":{"detectors":["psychic"]}}""", 400, "anomalies.detectors")]
    [InlineData("""{"anomalies":{"detectors":[null]}}""", 400, "anomalies.detectors[0]")]
    [InlineData("""{"anomalies":{"detectors":"zscore"}}""", 400, "anomalies.detectors")]
    [InlineData("""{"anomalies":{"thresholds":{"zscore":0}}}""", 400, "anomalies.thresholds.zscore")]
    [InlineData("""{"anomalies":{"thresholds":{"errorRate":1.5}}}""", 400, "anomalies.thresholds.errorRate")]
    [InlineData("""{"anomalies":{"thresholds":{"other":1}}}""", 400, "anomalies.thresholds.other")]
    [InlineData("""{"anomalies":{"windowSize":5}}""", 400, "anomalies.windowSize")]
    [InlineData("""{"anomalies":{"minDataPoints":0}}""", 400, "anomalies.minDataPoints")]
    [InlineData("""{"anomalies":{"enabled":"no"}}""", 400, "anomalies.enabled")]
    [InlineData("""{"anomalies":{"window":100}}""", 400, "anomalies.window")]
    [InlineData("""{"discounts":[]}""", 400, "discounts")]
    [InlineData("""{"discounts":{"volume":{"tiers":[{"above":10,"discount":0.1},{"above":5,"discount":0.2}]}}}""", 400, "discounts.volume.tiers[1].above")]
    [InlineData("""{"discounts":{"volume":{"measure":"calls","tiers":[]}}}""", 400, "discounts.volume.measure")]
    [InlineData("""{"discounts":{"batch":[{"above":5,"discount":1.5}]}}""", 400, "discounts.batch[0].discount")]
    [InlineData("""{"discounts":{"batch":[{"above":5}]}}""", 400, "discounts.batch[0].discount")]
    [InlineData("""{"discounts":{"negotiated":[{"multiplier":-1}]}}""", 400, "discounts.negotiated[0].multiplier")]
    [InlineData("""{"discounts":{"negotiated":[{"match":{"colour":"red"},"multiplier":1}]}}""", 400, "discounts.negotiated[0].match.colour")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"enforcement":"gentle"}]}""", 400, "limits[0].enforcement")]
    [InlineData("""{"limits":[{"id":"a","unit":"token","window":"day","amount":1}]}""", 400, "limits[0].unit")]
    [InlineData("""{"limits":[{"id":"a","window":"day","amount":1}]}""", 400, "limits[0].unit")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"fortnight","amount":1}]}""", 400, "limits[0].window")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"rolling:P1M","amount":1}]}""", 400, "limits[0].window")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day"}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":"5"}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"cost","window":"day","amount":5}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"cost","window":"day","amount":"5 EUR"}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"cost","window":"day","amount":"0.0000000001"}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":-1}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1.5}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":9223372036854775808}]}""", 400, "limits[0].amount")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"mode":"maybe"}]}""", 400, "limits[0].mode")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"match":{"team":"x"}}]}""", 400, "limits[0].match.team")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"match":{"model":null}}]}""", 400, "limits[0].match.model")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"match":["model"]}]}""", 400, "limits[0].match")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"each":"tags."}]}""", 400, "limits[0].each")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"thresholds":["half"]}]}""", 400, "limits[0].thresholds[0]")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"thresholds":[0]}]}""", 400, "limits[0].thresholds[0].ratio")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"thresholds":[{"ratio":1,"level":"red"}]}]}""", 400, "limits[0].thresholds[0].level")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"thresholds":[{"ratio":1,"at":2}]}]}""", 400, "limits[0].thresholds[0]")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1,"treshold":1}]}""", 400, "limits[0].treshold")]
    [InlineData("""{"limits":[{"unit":"tokens","window":"day","amount":1}]}""", 400, "limits[0].id")]
    [InlineData("""{"limits":[{"id":"a","unit":"tokens","window":"day","amount":1},{"id":"a","unit":"tokens","window":"hour","amount":1}]}""", 400, "limits[1].id")]
    [InlineData("""{"limits":[null]}""", 400, "limits[0]")]
    [InlineData("""{"limits":{}}""", 400, "limits")]
    [InlineData("""{"timeZone":"Europe/Bärlin"}""", 400, "timeZone")]
    [InlineData("""{"timeZone":1}""", 400, "timeZone")]
    [InlineData("""{"weekStart":"someday"}""", 400, "weekStart")]
    [InlineData("""{"monthAnchorDay":32}""", 400, "monthAnchorDay")]
    [InlineData("""{"monthAnchorDay":4294967297}""", 400, "monthAnchorDay")]
    [InlineData("""{"currency":"usd"}""", 400, "currency")]
    [InlineData("""{"unpriced":{"rule":"free"}}""", 400, "unpriced.rule")]
    [InlineData("""{"unpriced":{"rule":"fallback"}}""", 400, "unpriced.fallback")]
    [InlineData("""{"holds":{"defaultTtlSeconds":86401}}""", 400, "holds.defaultTtlSeconds")]
    [InlineData("""{"holds":{"onExpiry":1}}""", 400, "holds.onExpiry")]
    [InlineData("""{"statusLevels":{"warning":2}}""", 400, "statusLevels")]
    [InlineData("""{"overridesAllowed":"yes"}""", 400, "overridesAllowed")]
    public async Task A_wrong_policy_is_refused_by_the_name_of_its_member(string policy, int status, string field)
    {
        var account = host.NewAccount();
        (await host.Put($"/v1/accounts/{account}/policy", policy)).IsProblem(status, status == 400 ? "invalid" : "unprocessable", field);
        (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(404, "unknown-account", "account");
    }

    [Fact]
    public async Task Wrong_words_are_answered_with_the_right_ones()
    {
        var reply = await host.Put($"/v1/accounts/{host.NewAccount()}/policy", """{"limits":[{"id":"a","unit":"money","window":"day","amount":1}]}""");
        Assert.Equal("limits[0].unit: must be one of tokens, inputTokens, outputTokens, cost, requests", reply.Member("detail"));
    }
}
