using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>log, on folders that are healthy, damaged, owned, or no log.</summary>
public sealed class LogTests : IDisposable
{
    private const int FrameHeadBytes = 32;
    private readonly TempFolder _folder = new();

    private string Store => _folder["store"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_healthy_log_is_shown_verified_and_compacted_and_loses_nothing()
    {
        await FillAsync();

        JsonElement log = (await StrataProcess.RunAsync("log", "inspect", Store, "--json")).Exits(0).Json;
        Assert.All(log.GetProperty("segments").EnumerateArray(), s => Assert.Equal(("Sealed", "Intact"), (s.GetProperty("state").GetString(), s.GetProperty("hint").GetString())));
        List<JsonElement> keys = (await StrataProcess.RunAsync("log", "inspect", Store, "--keys", "b", "--json")).Exits(0).JsonLines;
        Assert.Equal(["b", "big", "b", "big"], keys.Select(k => k.GetProperty("key").GetString()));
        JsonElement verified = (await StrataProcess.RunAsync("log", "verify", Store, "--json")).Exits(0).Json;
        Assert.Equal((0, 1), (verified.GetProperty("damages").GetInt32(), verified.GetProperty("values").GetInt32()));
        JsonElement compacted = (await StrataProcess.RunAsync("log", "compact", Store, "--json")).Exits(0).Json;
        Assert.True(compacted.GetProperty("bytesAfter").GetInt64() < compacted.GetProperty("bytesBefore").GetInt64(), compacted.ToString());
        Assert.Equal(["a", "b", "big", "c"], await ReadableAsync(Store));
    }

    [Fact]
    public async Task A_flipped_byte_in_a_sealed_segment_costs_its_key_alone()
    {
        await FillAsync();
        Flip(await PlaceOfAsync("payloads", "b"));

        List<JsonElement> found = (await StrataProcess.RunAsync("log", "verify", Store, "--json")).Exits(ExitCode.Failed).JsonLines;
        Assert.Equal(["b"], Lost(found));
        await RepairAsync("b");
        Assert.Equal(["a", "big", "c"], await ReadableAsync(_folder["new"]));
    }

    [Fact]
    public async Task A_log_that_does_not_open_because_its_durable_tail_is_damaged_is_saved_but_for_what_is_damaged()
    {
        await FillAsync();

        // Without its hint and its seal the newest segment is the tail again.
        (string file, long offset) = await PlaceOfAsync("payloads", "b");
        File.Delete(Path.ChangeExtension(file, ".hint"));
        Flip((file, offset));
        StorageException refused = await Assert.ThrowsAsync<StorageException>(async () => await OpenAsync(Store));
        Assert.Equal(StorageErrorKind.Corrupt, refused.Kind);

        await RepairAsync("b");
        Assert.Equal(["a", "big", "c"], await ReadableAsync(_folder["new"]));
    }

    [Fact]
    public async Task A_damaged_hint_costs_nothing()
    {
        await FillAsync();
        Flip((Directory.GetFiles(Path.Combine(Store, "segments"), "*.hint").Order(StringComparer.Ordinal).First(), 60));

        List<JsonElement> found = (await StrataProcess.RunAsync("log", "verify", Store, "--json")).Exits(ExitCode.Failed).JsonLines;
        Assert.Equal("Nothing", found[0].GetProperty("loss").GetString());
        (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"])).Exits(0);
        Assert.Equal(["a", "b", "big", "c"], await ReadableAsync(_folder["new"]));
    }

    [Fact]
    public async Task A_flipped_byte_in_a_value_file_costs_one_block_of_one_value()
    {
        await FillAsync();
        Flip((Assert.Single(Directory.GetFiles(Path.Combine(Store, "values"))), 70_000));

        List<JsonElement> found = (await StrataProcess.RunAsync("log", "verify", Store, "--json")).Exits(ExitCode.Failed).JsonLines;
        Assert.Equal(("big", "PartOfValue", 65_536L), (found[0].GetProperty("key").GetString(), found[0].GetProperty("loss").GetString(), found[0].GetProperty("offset").GetInt64()));
        await RepairAsync("big");
        await using DiskBlobStore saved = await OpenAsync(_folder["new"]);
        BlobReadResult? rest = await saved.ReadAsync(BlobKey.Parse("big"), new ReadOptions { Range = BlobRange.From(1 << 20) });
        Assert.NotNull(rest);
        await using (rest) await rest.OpenStream().CopyToAsync(Stream.Null);
    }

    [Fact]
    public async Task A_folder_without_a_log_is_told_so()
    {
        Directory.CreateDirectory(_folder["empty"]);
        foreach (string command in new[] { "inspect", "verify", "compact" }) (await StrataProcess.RunAsync("log", command, _folder["empty"])).Fails(ExitCode.NotFound, "segments");
        (await StrataProcess.RunAsync("log", "repair", _folder["empty"], _folder["new"])).Fails(ExitCode.NotFound, "segments");
        (await StrataProcess.RunAsync("log", "verify", _folder["none"])).Fails(ExitCode.NotFound, "none");
    }

    [Fact]
    public async Task Beside_a_server_it_reads_and_refuses_what_needs_the_folder()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(_folder["data"]);
        (await StrataProcess.RunAsync("put", _folder.Write("a.txt", "text"u8), "main/a", "--data", _folder["data"])).Exits(0);

        Assert.Contains("moving", (await StrataProcess.RunAsync("log", "inspect", _folder["data"])).Exits(0).Error, StringComparison.Ordinal);
        Assert.Contains("intact", (await StrataProcess.RunAsync("log", "verify", _folder["data"])).Exits(0).Output, StringComparison.Ordinal);
        (await StrataProcess.RunAsync("log", "compact", _folder["data"])).Fails(ExitCode.Unavailable, server.Address.ToString());
        (await StrataProcess.RunAsync("log", "repair", _folder["data/main/cold"], _folder["new"])).Fails(ExitCode.Unavailable, server.Address.ToString());
        Assert.False(Directory.Exists(_folder["new"]));
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task Beside_a_server_that_is_written_to_its_machine_form_is_whole_and_finds_no_damage()
    {
        // A data folder: its server's disk stores have a log each.
        string data = _folder["data"], cold = _folder["data/main/cold"];
        for (int i = 0; i < 300; i++) _folder.Write($"many/{i}", new byte[i % 50 == 0 ? 3 << 20 : 6_000]);
        using StrataProcess server = await StrataProcess.ServeAsync(data);
        Task<ToolResult> writing = StrataProcess.RunAsync("cp", "-r", _folder["many"], "strata:main/many", "--data", data);
        int looks = 0;
        do
        {
            List<JsonElement> logs = (await StrataProcess.RunAsync("log", "inspect", data, "--json")).Exits(0).JsonLines;
            Assert.Contains(cold, logs.Select(l => l.GetProperty("folder").GetString()));
            Assert.All(logs, l => Assert.Equal((server.Id, 0), (l.GetProperty("ownedBy").GetInt32(), l.GetProperty("damages").GetArrayLength())));
            List<JsonElement> keys = (await StrataProcess.RunAsync("log", "inspect", cold, "--keys", "many/", "--limit", "7", "--json")).Exits(0).JsonLines;
            Assert.InRange(keys.Count, 0, 7);
            Assert.All(keys, k => Assert.StartsWith("many/", k.GetProperty("key").GetString(), StringComparison.Ordinal));

            // A damage would be a line of its own.
            List<JsonElement> verified = (await StrataProcess.RunAsync("log", "verify", data, "--json")).Exits(0).JsonLines;
            Assert.All(verified, v => Assert.Equal((0, 0), (v.GetProperty("damages").GetInt32(), v.GetProperty("lost").GetInt32())));
            looks++;
        }
        while (!writing.IsCompleted);

        (await writing).Exits(0);
        Assert.True(looks > 1, "nothing was written while it looked");
        JsonElement last = (await StrataProcess.RunAsync("log", "inspect", cold, "--json")).Exits(0).Json;
        Assert.Equal(300, last.GetProperty("keyspaces").EnumerateArray().Single(k => k.GetProperty("keyspace").GetString() == "blobs").GetProperty("entries").GetInt64());
        foreach (string[] command in (string[][])[["compact", data], ["repair", cold, _folder["new"]]])
            Assert.Equal(ExitCode.Unavailable, (await StrataProcess.RunAsync(["log", .. command, "--json"])).Exits(ExitCode.Unavailable).Json.GetProperty("error").GetProperty("exitCode").GetInt32());
        Assert.Equal(0, await server.StopAsync());
        Assert.Equal(JsonValueKind.Null, (await StrataProcess.RunAsync("log", "inspect", cold, "--json")).Exits(0).Json.GetProperty("ownedBy").ValueKind);
    }

    [Fact]
    public async Task Where_it_is_not_known_which_keys_were_damaged_the_others_are_not_called_intact()
    {
        await FillAsync();
        (string file, long offset) = await PlaceOfAsync("payloads", "b");
        Flip((file, offset));
        Assert.Contains("all other keys are intact", (await StrataProcess.RunAsync("log", "verify", Store)).Exits(ExitCode.Failed).Output, StringComparison.Ordinal);

        // Without a hint, and with the lengths in its frame and entries gone, nothing tells what was there.
        File.Delete(Path.ChangeExtension(file, ".hint"));
        JsonElement entry = (await StrataProcess.RunAsync("log", "inspect", Store, "--keys", "b", "--json")).JsonLines[0];
        Erase(file, entry.GetProperty("offset").GetInt64() - FrameHeadBytes, 60_000);
        string told = (await StrataProcess.RunAsync("log", "verify", Store)).Exits(ExitCode.Failed).Output;
        Assert.Contains("which keys that were is not known", told, StringComparison.Ordinal);
        Assert.Contains("other keys that are not named may be missing", told, StringComparison.Ordinal);
        Assert.DoesNotContain("all other keys are intact", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repair_to_where_another_was_stopped_says_what_to_do_and_verify_says_what_it_is()
    {
        await FillAsync();
        (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"])).Exits(0);
        (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"])).Fails(ExitCode.Usage, "not empty", "Name a new folder");

        // As it is until all has been written.
        string unfinished = _folder.Write("new/repair-unfinished", default);
        (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"])).Fails(ExitCode.Usage, "stopped before its end", "Remove that folder");
        Assert.Contains("stopped before its end", (await StrataProcess.RunAsync("log", "verify", _folder["new"])).Exits(0).Error, StringComparison.Ordinal);
        Assert.True(File.Exists(unfinished));
    }

    [Fact]
    public async Task One_of_a_thing_is_told_as_one()
    {
        await using (DiskBlobStore store = await OpenAsync(Store)) await store.WriteAsync(BlobKey.Parse("a"), BlobContent.From(new byte[10]));

        Assert.Contains(": 1 segment, 1 key, 0 large values (0 B): all intact", (await StrataProcess.RunAsync("log", "verify", Store)).Exits(0).Output, StringComparison.Ordinal);
        Assert.Contains("1 entry, 0 tombstones,", (await StrataProcess.RunAsync("log", "inspect", Store)).Exits(0).Output, StringComparison.Ordinal);
        Assert.Contains("Stopped after 1 entry;", (await StrataProcess.RunAsync("log", "inspect", Store, "--keys", "--limit", "1")).Exits(0).Error, StringComparison.Ordinal);
        Assert.Contains(": 1 entry and 0 value files saved; nothing is lost", (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"])).Exits(0).Output, StringComparison.Ordinal);
    }

    private static async ValueTask<DiskBlobStore> OpenAsync(string path) => await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = path });

    private static async Task<List<string>> ReadableAsync(string path)
    {
        await using DiskBlobStore store = await OpenAsync(path);
        var keys = new List<string>();
        await foreach (BlobInfo info in store.EnumerateAsync(""))
        {
            byte[]? bytes = await store.GetBytesAsync(info.Key);
            Assert.Equal(info.Length, bytes!.Length);
            keys.Add(info.Key.Value);
        }

        return keys;
    }

    private static void Flip((string File, long Offset) place)
    {
        using FileStream file = File.Open(place.File, FileMode.Open);
        file.Position = place.Offset;
        int value = file.ReadByte();
        file.Position = place.Offset;
        file.WriteByte((byte)(value ^ 0x10));
    }

    private static void Erase(string file, long offset, int length)
    {
        using FileStream stream = File.Open(file, FileMode.Open);
        stream.Position = offset;
        stream.Write(new byte[length]);
    }

    private static IEnumerable<string?> Lost(List<JsonElement> lines) =>
        lines.Where(l => l.TryGetProperty("loss", out JsonElement loss) && loss.GetString() != "Nothing").Select(l => l.GetProperty("key").GetString());

    /// <summary>Some values in one segment, one more that replaces, one in a file.</summary>
    private async Task FillAsync()
    {
        await using DiskBlobStore store = await OpenAsync(Store);
        foreach (string key in new[] { "a", "b", "c", "a" }) await store.WriteAsync(BlobKey.Parse(key), BlobContent.From(new byte[50_000]));
        await store.WriteAsync(BlobKey.Parse("big"), BlobContent.From(new byte[3 << 20]));
    }

    /// <summary>A place in the middle of an entry.</summary>
    private async Task<(string File, long Offset)> PlaceOfAsync(string keyspace, string key)
    {
        JsonElement entry = (await StrataProcess.RunAsync("log", "inspect", Store, "--keys", "--json")).Exits(0).JsonLines
            .Single(k => k.GetProperty("keyspace").GetString() == keyspace && k.GetProperty("key").GetString() == key);
        return (Path.Combine(Store, entry.GetProperty("file").GetString()!), entry.GetProperty("offset").GetInt64() + (entry.GetProperty("length").GetInt32() / 2));
    }

    /// <summary>Repairs, and finds the old folder as it was and what is lost named.</summary>
    private async Task RepairAsync(string lost)
    {
        Dictionary<string, byte[]> before = Files();
        List<JsonElement> lines = (await StrataProcess.RunAsync("log", "repair", Store, _folder["new"], "--json")).Exits(ExitCode.Failed).JsonLines;
        Assert.Equal([lost], Lost(lines));
        Dictionary<string, byte[]> after = Files();
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
        Assert.All(before, f => Assert.True(after[f.Key].AsSpan().SequenceEqual(f.Value), $"repair changed {f.Key}"));
    }

    private Dictionary<string, byte[]> Files() =>
        Directory.GetFiles(Store, "*", SearchOption.AllDirectories).Where(f => !Path.GetFileName(f).StartsWith("owner", StringComparison.Ordinal)).ToDictionary(f => f, File.ReadAllBytes, StringComparer.Ordinal);
}
