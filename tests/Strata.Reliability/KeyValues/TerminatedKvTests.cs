using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Strata.Reliability;

/// <summary>
/// SIGTERM while clients add to a number over KV Connect. Clients try again what they hear no answer to, so that a sum that
/// was committed and not answered is applied twice: each that is committed is answered.
/// </summary>
public sealed class TerminatedKvTests(ITestOutputHelper output)
{
    private const int Clients = 16, Acknowledged = 400;
    private static readonly byte[] Key = [2, 110, 0];

    [Fact]
    public async Task What_was_acknowledged_is_there_and_nothing_else()
    {
        int rounds = LongForm.Of(50, 4);
        using var folder = new TemporaryFolder();
        ulong acknowledged = 0;
        for (int round = 0; round < rounds; round++)
        {
            acknowledged += await RoundAsync(folder.Path);
            await using IKvDatabase database = await new StoreUrlRegistry().OpenKvAsync(Path.Combine(folder.Path, "kv", "app"));
            IReadOnlyList<KvRange> found = await database.SnapshotReadAsync([ReadRange.Of(Key)], null, CancellationToken.None);
            Assert.True(found[0].Entries[0].Value.TryGetUInt64(out ulong there));
            Assert.True(there == acknowledged, $"round {round}: {acknowledged} sums were acknowledged, and {there} are there: clients that hear no answer apply theirs again");
        }

        output.WriteLine($"{rounds} ends with {Clients} clients at work: {acknowledged} sums, each acknowledged and there");
    }

    private async Task<ulong> RoundAsync(string folder)
    {
        using ServeProcess server = await ServeProcess.StartAsync(folder);
        using var http = new HttpClient { BaseAddress = server.Address };
        using HttpResponseMessage told = await http.PostAsync(new Uri("/_kv/app", UriKind.Relative), new ByteArrayContent("{\"supportedVersions\":[3]}"u8.ToArray()));
        string id = JsonDocument.Parse(await told.Content.ReadAsStringAsync()).RootElement.GetProperty("databaseId").GetString()!;
        using HttpResponseMessage watch = await SendAsync(http, "watch", [0x0A, (byte)(2 + Key.Length), 0x0A, (byte)Key.Length, .. Key], id);
        Task<int> watched = DrainAsync(watch);
        int done = 0;
        Task<ulong>[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(AddAsync))];
        await Eventually.HoldsAsync(() => Volatile.Read(ref done) >= Acknowledged, "The clients do not get on.");
        await server.TerminateAsync();
        ulong sum = (await Task.WhenAll(clients)).Aggregate((a, b) => a + b);
        Assert.True(await watched > 0, "The watch told nothing.");
        Assert.Equal(0, await server.ExitCodeAsync());
        return sum;

        async Task<ulong> AddAsync()
        {
            for (ulong count = 0; ;)
            {
                try
                {
                    using HttpResponseMessage answer = await SendAsync(http, "atomic_write", Sum(), id);
                    if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) return count;
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    count++;
                    Interlocked.Increment(ref done);
                }
                catch (HttpRequestException)
                {
                    // Nobody listens any more, or the connection was closed before the request had come.
                    return count;
                }
            }
        }
    }

    /// <summary>Reads to the end; an answer that is broken off throws.</summary>
    private static async Task<int> DrainAsync(HttpResponseMessage answer) => (await answer.Content.ReadAsByteArrayAsync()).Length;

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string call, byte[] body, string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/_kv/app/" + call) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        request.Headers.Add("x-denokv-version", "3");
        request.Headers.Add("x-denokv-database-id", id);
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Adds one: a number of the encoding LE64, and the kind of a sum.</summary>
    private static byte[] Sum()
    {
        byte[] one = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(one, 1);
        return KvMessage.Write(Key, one, encoding: 2, kind: 3);
    }
}
