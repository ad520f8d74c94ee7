using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>What a database tells of itself while it is used: the page stands on it.</summary>
public sealed class KvStatisticsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-kv-").FullName;
    private readonly FakeClock _clock = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("memory:")]
    [InlineData("file:")]
    public async Task The_figures_follow_what_is_written_removed_and_expired(string scheme)
    {
        await using IKvDatabase database = await OpenAsync(scheme);
        Assert.Equal((0, 0, Versionstamp.None), Of(database));
        await WriteAsync(database, Set(1, 100));
        long one = Statistics(database).Bytes;
        Assert.InRange(one, 104, 400);
        Versionstamp second = await WriteAsync(database, Set(2, 100), KvMutation.Set(Key(3), Value(100), _clock.GetUtcNow().AddMinutes(1)));
        Assert.Equal((3, second), (Statistics(database).Entries, Statistics(database).LastCommit));
        Versionstamp third = await WriteAsync(database, Set(2, 1_100));
        Assert.InRange(Statistics(database).Bytes, (3 * one) + 950, (3 * one) + 1_100);
        Assert.Equal(third, Statistics(database).LastCommit);
        Assert.True(third > second);

        _clock.Advance(TimeSpan.FromMinutes(2));
        await Eventually.HoldsAsync(() => Statistics(database) is { Entries: 2, Expirations: 1 }, "What has expired is counted still.");
        Assert.Equal(third, Statistics(database).LastCommit);
        Versionstamp last = await WriteAsync(database, KvMutation.Delete(Key(1)), KvMutation.Delete(Key(2)));
        Assert.Equal((0, 0, last), Of(database));
    }

    [Fact]
    public async Task The_last_commit_is_known_again_after_a_restart()
    {
        Versionstamp last;
        await using (IKvDatabase before = await OpenAsync("file:")) last = await WriteAsync(before, Set(1, 1));
        await using IKvDatabase after = await OpenAsync("file:");
        Assert.Equal(last, Statistics(after).LastCommit);
    }

    private ValueTask<IKvDatabase> OpenAsync(string scheme) =>
        new StoreUrlRegistry().OpenKvAsync("db", scheme is "memory:" ? scheme : scheme + _folder, new KvOpening { Name = "db", Context = new StoreContext { Clock = _clock } });

    private static KvStatistics Statistics(IKvDatabase database) => ((IKvStatistics)database).GetStatistics();

    private static (long Entries, long Bytes, Versionstamp Last) Of(IKvDatabase database) =>
        (Statistics(database).Entries, Statistics(database).Bytes, Statistics(database).LastCommit);

    private static byte[] Key(int number) => BitConverter.GetBytes(number);

    private static KvValue Value(int length) => KvValue.OfBytes(new byte[length]);

    private static KvMutation Set(int key, int length) => KvMutation.Set(Key(key), Value(length));

    private static async Task<Versionstamp> WriteAsync(IKvDatabase database, params KvMutation[] mutations) =>
        (await database.AtomicWriteAsync(new AtomicWrite { Mutations = mutations }, CancellationToken.None)).Versionstamp;
}
