using System.Diagnostics;
using System.Net.Sockets;

namespace Strata.Reliability;

/// <summary>
/// kill -9 of a real server in the middle of parts and of completions. An object is whole or absent, a part that was
/// acknowledged is there, and every upload that was not completed can be gone on with.
/// </summary>
public sealed class KilledUploadTests(ITestOutputHelper output)
{
    private const int Uploaders = 3, PartsEach = 3, PartBytes = 5 << 20, LastBytes = 300_000;

    private int _acknowledged;
    private int _completions;
    private int _inCompletion;

    [Fact]
    public async Task Uploads_survive_kills_in_the_middle_of_parts_and_of_completions()
    {
        using var folder = new TemporaryFolder();
        int kills = LongForm.Of(100, 20), seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}, {kills} kills");
        var random = new Random(seed);
        Uploader[] uploaders = [.. Enumerable.Range(0, Uploaders).Select(i => new Uploader($"upload/{i}"))];
        for (int kill = 0; kill < kills; kill++)
        {
            using ServeProcess server = await ServeProcess.StartAsync(folder.Path);
            await VerifyAsync(server.Address, uploaders, kill);
            Task[] running = [.. uploaders.Select(u => RunAsync(u, server.Address))];
            int parts = Volatile.Read(ref _acknowledged) + random.Next(0, 8), completions = Volatile.Read(ref _inCompletion) + 1;

            // Every other kill comes while a completion is under way.
            await WaitForAsync(() => kill % 2 == 0 ? Volatile.Read(ref _acknowledged) >= parts : Volatile.Read(ref _inCompletion) >= completions);
            for (long until = Stopwatch.GetTimestamp() + (random.Next(0, 40) * Stopwatch.Frequency / 10_000); Stopwatch.GetTimestamp() < until;) await Task.Yield();
            await server.KillAsync();
            await Task.WhenAll(running);
        }

        using ServeProcess last = await ServeProcess.StartAsync(folder.Path);
        await VerifyAsync(last.Address, uploaders, kills);
        output.WriteLine($"{_acknowledged} acknowledged parts, {_completions} acknowledged completions, {_inCompletion} begun");
        Assert.True(_completions > 0, "no upload was ever completed: the test shows nothing");
    }

    private async Task RunAsync(Uploader uploader, Uri address)
    {
        using var client = new S3Uploads(address);
        try
        {
            while (true)
            {
                uploader.Id ??= await client.CreateAsync(uploader.Key);
                foreach (int number in Enumerable.Range(1, PartsEach))
                {
                    if (uploader.Parts.ContainsKey(number)) continue;
                    uploader.Parts[number] = await client.PutPartAsync(uploader.Key, uploader.Id, number, Part(uploader.Generation, number));
                    Interlocked.Increment(ref _acknowledged);
                }

                uploader.IsCompleting = true;
                Interlocked.Increment(ref _inCompletion);
                await client.CompleteAsync(uploader.Key, uploader.Id, uploader.Parts.Select(p => (p.Key, p.Value)));
                Interlocked.Increment(ref _completions);
                uploader.Completed();
            }
        }
        catch (Exception error) when (error is HttpRequestException or SocketException)
        {
            // Killed: whether what was under way happened is found out after the restart.
        }
    }

    private static async Task VerifyAsync(Uri address, Uploader[] uploaders, int kill)
    {
        using var client = new S3Uploads(address);
        foreach (Uploader uploader in uploaders)
        {
            byte[]? now = await client.GetAsync(uploader.Key);
            if (uploader.IsCompleting && IsGeneration(now, uploader.Generation))
            {
                // It had happened: the client that never heard so asks again, and is told.
                await client.CompleteAsync(uploader.Key, uploader.Id!, uploader.Parts.Select(p => (p.Key, p.Value)));
                uploader.Completed();
            }

            uploader.IsCompleting = false;
            if (uploader.Generation == 0) Assert.True(now is null, $"after kill {kill}, '{uploader.Key}' is there, and nothing was ever completed");
            else Assert.True(IsGeneration(now, uploader.Generation - 1), $"after kill {kill}, '{uploader.Key}' is not what was completed last: {now?.Length} bytes");
            if (uploader.Id is null) continue;
            IReadOnlyDictionary<int, string>? parts = await client.PartsAsync(uploader.Key, uploader.Id);
            Assert.True(parts is not null, $"after kill {kill}, the upload to '{uploader.Key}' cannot go on");
            foreach ((int number, string etag) in uploader.Parts)
                Assert.True(parts.GetValueOrDefault(number) == etag, $"after kill {kill}, part {number} of '{uploader.Key}' is lost, and it was acknowledged");
        }

        // An upload whose begin was not answered may be there; it is not more than one for each, and its expiry takes it.
        Assert.True((await client.UploadsAsync()).Count <= uploaders.Length * (kill + 1), "uploads that nobody began are listed");
    }

    private static bool IsGeneration(byte[]? content, int generation) =>
        content is not null && content.AsSpan().SequenceEqual(Enumerable.Range(1, PartsEach).SelectMany(n => Part(generation, n)).ToArray());

    private static byte[] Part(int generation, int number)
    {
        byte[] part = new byte[number == PartsEach ? LastBytes : PartBytes];
        new Random((generation * 31) + number).NextBytes(part.AsSpan(0, 1024));
        for (int i = 1024; i < part.Length; i += 1024) part[i] = (byte)(generation + number + (i >> 10));
        return part;
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60), "the server took no parts for a minute");
            await Task.Delay(1);
        }
    }

    /// <summary>What one client knows of its upload; it outlives the servers.</summary>
    private sealed class Uploader(string key)
    {
        public string Key => key;

        public int Generation { get; private set; }

        public string? Id { get; set; }

        public SortedDictionary<int, string> Parts { get; } = [];

        public bool IsCompleting { get; set; }

        public void Completed()
        {
            Generation++;
            Id = null;
            Parts.Clear();
            IsCompleting = false;
        }
    }
}
