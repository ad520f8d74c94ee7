using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Bytes from a seed into everything that reads what clients of KV databases send. STRATA_LONG=1 is twenty times as much; STRATA_SEED=n repeats.</summary>
public sealed class KvFuzzTests(ITestOutputHelper output)
{
    private const string Secret = "a-token-of-app-1";

    /// <summary>What may be made of a request, for each of its bytes and besides.</summary>
    private const int BytesEach = 100, BytesBesides = 256 << 10;

    private static readonly byte[] Key = [2, 97, 0];

    private static int Seed { get; } = int.TryParse(Environment.GetEnvironmentVariable("STRATA_SEED"), out int seed) ? seed : Random.Shared.Next();

    private static byte[][] Messages { get; } =
    [
        WireClient.Get(Key).ToByteArray(),
        WireClient.Read(ReadRange.Of(Key), new ReadRange(Key, new byte[] { 2, 98, 0 }, 100, Reverse: true, KeysOnly: true)).ToByteArray(),
        WireClient.Set(Key).ToByteArray(),
        WireForm.Of(new AtomicWrite
        {
            Checks = [new KvCheck(Key, new Versionstamp(1)), new KvCheck(new byte[] { 1 }, Versionstamp.None)],
            Mutations =
            [
                KvMutation.Sum(Key, new KvValue(V8Value.Of(5.0).ToBytes(), KvEncoding.V8), KvSumLimits.Of(1.0, 9.0, true)), KvMutation.Delete(Key), KvMutation.Max(new byte[] { 3 }, 1), KvMutation.Min(new byte[] { 3 }, 1),
                KvMutation.SetVersionstampedKey(Key, KvValue.OfBytes("value"u8.ToArray())), KvMutation.Set(Key, new KvValue(V8Value.OfArray(V8Value.Of("x"), V8Value.Null).ToBytes(), KvEncoding.V8), DateTimeOffset.UnixEpoch.AddYears(90)),
                KvMutation.Sum(new byte[] { 3 }, 7),
            ],
        }).ToByteArray(),
        [0x0A, 0x05, 0x0A, 0x03, 2, 97, 0, 0x0A, 0x03, 0x0A, 0x01, 3],
        """{"supportedVersions":[1,2,3]}"""u8.ToArray(),
        V8Value.OfArray(V8Value.Of("x"), V8Value.Of(-5.5), V8Value.Of(System.Numerics.BigInteger.One << 90), V8Value.OfObject(new KeyValuePair<string, V8Value>("a", V8Value.OfMap(new KeyValuePair<V8Value, V8Value>(V8Value.Null, V8Value.Of(true)))))).ToBytes(),
        "[\"a\",1.5,{\"int\":5},{\"bytes\":\"00ff\"},true]"u8.ToArray(),
        """{"mail":["Änn",1.5,null,true,{"a":-1e300}]}"""u8.ToArray(),
    ];

    [Fact]
    public void Every_decoder_takes_any_bytes_throws_what_it_says_and_allocates_little()
    {
        (string Name, Action<byte[]> Decode)[] decoders =
        [
            ("ranges", b => KvRequests.ReadRanges(b, KvLimits.Deno)),
            ("write", b => KvRequests.ReadWrite(b, KvLimits.Deno)),
            ("keys", b => KvRequests.ReadKeys(b, KvLimits.Deno)),
            ("write of the command line", b => KvRequests.ReadWrite(b, KvLimits.Embedded)),
            ("version", b => KvRequests.ReadVersion(b)),
            ("key", b => KvKey.Parse(Encoding.UTF8.GetString(b))),
            ("value", b => V8Value.Read(b)),
        ];
        int count = LongForm.Of(100_000, 5_000), seed = Seed;
        output.WriteLine($"STRATA_SEED={seed}: {count} inputs into each of {decoders.Length} decoders");
        foreach ((string name, Action<byte[]> decode) in decoders)
        {
            var bytes = new FuzzedBytes(seed, Messages);
            int taken = 0;
            double worst = 0;
            for (int i = 0; i < count; i++)
            {
                byte[] input = bytes.Next();
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    decode(input);
                    taken++;
                }
                catch (Exception e) when (e.GetType() == typeof(ArgumentException) || e.GetType() == typeof(FormatException))
                {
                    // What is documented.
                }
                catch (Exception e)
                {
                    Assert.Fail($"STRATA_SEED={seed}, input {i} of '{name}' threw {e}: {Convert.ToHexString(input)}");
                }

                long made = GC.GetAllocatedBytesForCurrentThread() - before;
                worst = Math.Max(worst, (made - BytesBesides) / (double)Math.Max(1, input.Length));
                Assert.True(made <= BytesBesides + ((long)BytesEach * input.Length), $"STRATA_SEED={seed}, input {i} of '{name}': {made} bytes were allocated for {input.Length}: {Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 500)))}");
            }

            output.WriteLine($"{name}: {taken} taken, {count - taken} refused");
            Assert.True(taken > 0, $"Nothing that was put into '{name}' was valid: it tests its first bytes alone.");
        }
    }

    [Theory]
    [InlineData("many empty mutations", 0x12, 0x00)]
    [InlineData("many empty checks", 0x0A, 0x00)]
    [InlineData("many empty enqueues", 0x1A, 0x00)]
    [InlineData("many unknown fields", 0x78, 0x01)]
    public void Small_messages_by_the_hundred_thousand_are_refused_before_they_are_made(string what, byte tag, byte rest)
    {
        byte[] body = new byte[KvRequests.MaxWriteBytes(KvLimits.Deno) & ~1];
        for (int i = 0; i < body.Length; i += 2) (body[i], body[i + 1]) = (tag, rest);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ArgumentException>(() => KvRequests.ReadWrite(body, KvLimits.Deno));
        long made = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(made < 64 << 10, $"{what}: {made} bytes were allocated for a request that is refused");
    }

    [Fact]
    public async Task No_call_answers_any_bytes_with_a_failure_of_the_server()
    {
        int count = LongForm.Of(20_000, 1_000), seed = Seed;
        await using RunningServer running = await RunningServer.StartAsync(new StrataServerOptions { KvTokens = [new KvToken(Secret)], MaxRefusalsPerSecond = 0 }, null, ("Strata:Kv:app", "memory:"));
        RouteEndpoint[] endpoints = [.. running.Server.Endpoints.OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith("/_kv/{name}", StringComparison.Ordinal) && !e.RoutePattern.RawText.Contains("**", StringComparison.Ordinal))];
        byte[][] queries = [.. ((string[])
        [
            "prefix=[\"a\"]&start=[\"a\",1]&end=[\"a\",true]", "prefix=[]", "queue=mails&delay=1s&backoff=1s,2m&undelivered=[\"x\",{\"int\":5}]", "queue=mails&max=10&lease=1s&wait=0s",
            $"queue=&receipt={new string('0', 59)}1", $"queue=mails&error=x%20y&lease=5s&receipt={new string('f', 60)}",
        ]).Select(Encoding.ASCII.GetBytes)];
        var bodies = new FuzzedBytes(seed, Messages);
        var texts = new FuzzedBytes(seed, queries);
        output.WriteLine($"STRATA_SEED={seed}: {count} inputs into each of {endpoints.Length} calls");
        foreach (RouteEndpoint endpoint in endpoints)
        {
            var statuses = new SortedDictionary<int, int>();
            for (int i = 0; i < count; i++)
            {
                byte[] body = bodies.Next();
                string query = bodies.Random.Next(4) == 0 ? "" : bodies.Random.Next(3) == 0 ? Encoding.ASCII.GetString(queries[bodies.Random.Next(queries.Length)]) : Encoding.Latin1.GetString(texts.Next());
                int status = await CallAsync(endpoint, body, query);
                statuses[status] = statuses.GetValueOrDefault(status) + 1;
                Assert.True(status is 200 or (>= 400 and < 500), $"STRATA_SEED={seed}, input {i} of {endpoint.RoutePattern.RawText} gave {status}: '{query}', {Convert.ToHexString(body)}");
            }

            output.WriteLine($"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]} {endpoint.RoutePattern.RawText}: {string.Join(", ", statuses.Select(s => $"{s.Value} x {s.Key}"))}");
        }
    }

    /// <summary>A call of a client that hangs up if it has no answer soon.</summary>
    private static async Task<int> CallAsync(RouteEndpoint endpoint, byte[] body, string query)
    {
        using var gone = new CancellationTokenSource();
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext { RequestAborted = gone.Token };
        http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        (http.Request.Method, http.Request.Path, http.Request.Body, http.Request.ContentLength) = (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0], "/_kv/app", new MemoryStream(body), body.Length);
        http.Request.QueryString = new QueryString("?" + query.Replace('#', 'x').Replace('\0', 'x'));
        http.Request.RouteValues["name"] = "app";
        http.Request.Headers.Authorization = $"Bearer {Secret}";
        http.Request.Headers[Protocol.VersionHeader] = "3";
        http.Request.Headers[Protocol.DatabaseHeader] = KvEndpoints.IdOf("app").ToString();
        Task call = endpoint.RequestDelegate!(http);
        if (!call.IsCompleted && endpoint.RoutePattern.RawText!.EndsWith("/watch", StringComparison.Ordinal)) await gone.CancelAsync();
        else if (!call.IsCompleted) await Task.WhenAny(call, Task.Delay(100));
        await gone.CancelAsync();
        await call;
        return http.Response.StatusCode;
    }
}
