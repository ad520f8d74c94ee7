using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// Writers and readers of small and large blobs, and a server that is killed again and again while they are at it: each key holds
/// what was acknowledged last, or what was of unknown outcome behind it, and always a whole blob. Not over Azurite, which
/// acknowledges before it saves.
/// </summary>
public abstract class KilledHistoryTests(IKillableServer server, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private string _place = "";

    public async ValueTask InitializeAsync() => _place = await server.CreatePlaceAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await server.RemovePlaceAsync(_place);
    }

    [Fact]
    public async Task What_was_acknowledged_outlives_every_kill_of_the_server()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"Seed {seed}.");
        var random = new Random(seed);
        await using IBlobStore direct = await server.OpenAsync(_place, new RemoteSettings { MaxAttempts = 10, RetryDelay = TimeSpan.FromMilliseconds(50), ProgressTimeout = TimeSpan.FromSeconds(20) });

        // One of the three waits for the server to come back; the others give up and say so.
        KilledHistoryWriter[] writers = await Task.WhenAll(Enumerable.Range(0, 3).Select(async i => new KilledHistoryWriter(
            await server.OpenAsync(_place, new RemoteSettings { MaxAttempts = i == 0 ? 12 : 2, RetryDelay = TimeSpan.FromMilliseconds(20), ProgressTimeout = TimeSpan.FromSeconds(5) }), i, random.Next())));
        for (int round = 0; round < LongForm.Of(40, 3); round++)
        {
            using var stop = new CancellationTokenSource();
            long enough = writers.Sum(w => w.Acknowledged) + random.Next(5, 60);
            Task work = Task.WhenAll([.. writers.Select(w => Task.Run(() => w.WriteAsync(stop.Token))), .. writers.Select(w => Task.Run(() => w.ReadAsync(stop.Token)))]);
            await Eventually.HoldsAsync(() => work.IsCompleted || writers.Sum(w => w.Acknowledged) >= enough, "the writers do not get on", Limit);
            await server.KillAsync();
            await server.ReviveAsync();
            await stop.CancelAsync();
            await work.WaitAsync(Limit);
            foreach (KilledHistoryWriter writer in writers) await writer.CheckAsync(direct);
        }

        output.WriteLine($"{writers.Sum(w => w.Acknowledged)} changes acknowledged, {writers.Sum(w => w.Refused)} of them not, {writers.Sum(w => w.Unknown)} of unknown outcome; {writers.Sum(w => w.Reads)} reads.");
        Assert.True(writers.Sum(w => w.Refused + w.Unknown) > 0, "no kill hit anybody");
        foreach (KilledHistoryWriter writer in writers) await writer.DisposeAsync();
    }
}

[Collection(nameof(CephServer))]
public sealed class CephKilledHistoryTests(CephServer server, ITestOutputHelper output) : KilledHistoryTests(server, output);

public sealed class StrataKilledHistoryTests(ServedStrata server, ITestOutputHelper output) : KilledHistoryTests(server, output), IClassFixture<ServedStrata>;
