using Strata.Sqlite;
using Xunit;
using static Strata.Tests.SqliteKvFixture;

namespace Strata.Tests;

/// <summary>Damaged files: an error, or what was written; never another value.</summary>
public sealed class SqliteKvDamageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Entries = 40;
    private readonly SqliteKvFixture _fixture = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Theory]
    [InlineData("UPDATE kv_entries SET value = zeroblob(1)")]
    [InlineData("UPDATE kv_entries SET version = version + 1")]
    [InlineData("UPDATE kv_entries SET encoding = 1")]
    [InlineData("UPDATE kv_entries SET expires = 99999999999999")]
    [InlineData("UPDATE kv_entries SET key = x'61'")]
    [InlineData("UPDATE kv_entries SET checksum = checksum + 1")]
    public async Task An_entry_that_is_not_as_it_was_written_is_told(string damage)
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        await CommitAsync(database, Set("b", "value"));
        _fixture.Run(damage);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => GetAsync(database, damage.Contains("key", StringComparison.Ordinal) ? "a" : "b"));
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        Assert.DoesNotContain("value", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE kv_state SET version = 0")]
    [InlineData("UPDATE kv_state SET seen = 0")]
    [InlineData("DELETE FROM kv_state")]
    [InlineData("DROP TABLE kv_state")]
    public async Task A_state_that_would_issue_stamps_again_refuses_to_open(string damage)
    {
        SqliteKvDatabase database = await _fixture.OpenAsync();
        await CommitAsync(database, Set("a", "1"));
        await CommitAsync(database, Set("a", "2"));
        await database.DisposeAsync();
        _fixture.Run(damage);
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => _fixture.OpenAsync());
        Assert.Contains(e.Kind, (StorageErrorKind[])[StorageErrorKind.Corrupt, StorageErrorKind.Unavailable]);
    }

    [Fact]
    public async Task No_flipped_byte_makes_another_value()
    {
        Dictionary<string, string> written = [];
        SqliteKvDatabase whole = await _fixture.OpenAsync();
        for (int i = 0; i < Entries; i++)
        {
            written[$"key {i:d2}"] = new string((char)('a' + (i % 26)), 20 + (i * 13));
            await CommitAsync(whole, Set($"key {i:d2}", written[$"key {i:d2}"], i % 5 == 0 ? _fixture.Clock.GetUtcNow().AddDays(1) : null));
        }

        await whole.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(_fixture.File);
        int told = 0, lost = 0, unused = 0, seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}, {bytes.Length} bytes");
        var random = new Random(seed);
        for (int at = random.Next(20); at < bytes.Length; at += 1 + random.Next(LongForm.Of(120, 480)))
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= (byte)(1 << random.Next(8));
            string file = Path.Combine(_fixture.Folder, $"{at}.db");
            await File.WriteAllBytesAsync(file, damaged);
            try
            {
                await using SqliteKvDatabase database = await _fixture.OpenAsync(_fixture.Options with { Path = file });
                int missing = 0;
                foreach ((string key, string value) in written)
                {
                    string? found = await TextAsync(database, key);
                    Assert.True(found is null || found == value, $"seed {seed}: with byte {at} flipped, '{key}' holds another value");
                    if (found is null) missing++;
                }

                if (missing > 0) lost++;
                else unused++;
            }
            catch (StorageException)
            {
                told++;
            }

            File.Delete(file);
        }

        output.WriteLine($"{told} told, {unused} changed nothing that was read, {lost} hid an entry");
        Assert.True(told > lost, "more damage went unnoticed than was told");
    }
}
