using System.Text;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>Folder copies that find some of it there: what is equal is left, what is not is copied, and what was killed goes on.</summary>
public sealed class ResumedCopyTests(ServedBucket bucket) : IClassFixture<ServedBucket>, IDisposable
{
    private const int ManyFiles = 2000;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_there_and_equal_is_not_copied_again_in_any_direction()
    {
        WriteFiles(60);
        string remote = "s3://main/" + nameof(What_is_there_and_equal_is_not_copied_again_in_any_direction), local = "file:" + _folder["store"];
        foreach ((string from, string to) in new[] { (_folder["in"], remote), (remote, _folder["out"]), (remote, remote + "-copy"), (remote, local), (local, remote + "-back"), (_folder["in"], local + "#x") })
        {
            await CopiesAsync(from, to, copied: 60, equal: 0);
            await CopiesAsync(from, to, copied: 0, equal: 60);
            await CopiesAsync(from, to, copied: 0, equal: 60, "--checksum");
            await CopiesAsync(from, to, copied: 60, equal: 0, "--force");
        }

        CopyTests.AssertSame(_folder["in"], _folder["out"]);
    }

    [Fact]
    public async Task What_has_changed_at_the_same_length_is_copied_again()
    {
        WriteFiles(20);
        const string Remote = "s3://main/changed";
        await CopiesAsync(_folder["in"], Remote, copied: 20, equal: 0);
        await CopiesAsync(Remote, _folder["out"], copied: 20, equal: 0);
        string name = Path.GetRelativePath(_folder["in"], Directory.GetFiles(_folder["in"], "*", SearchOption.AllDirectories)[^1]), file = Path.Combine(_folder["in"], name);
        byte[] other = await File.ReadAllBytesAsync(file);
        other[^1] ^= 1;
        await File.WriteAllBytesAsync(file, other);

        await CopiesAsync(_folder["in"], Remote, copied: 1, equal: 19);
        await CopiesAsync(Remote, _folder["out"], copied: 1, equal: 19);
        TempFolder.AssertHolds(Path.Combine(_folder["out"], name), other);

        // Bytes that changed behind an older time are what --checksum is for.
        other[^1] ^= 3;
        await File.WriteAllBytesAsync(file, other);
        File.SetLastWriteTimeUtc(file, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await CopiesAsync(_folder["in"], Remote, copied: 1, equal: 19, "--checksum");
        File.Delete(Path.Combine(_folder["out"], name));
        await CopiesAsync(Remote, _folder["out"], copied: 1, equal: 19, "--checksum");
        TempFolder.AssertHolds(Path.Combine(_folder["out"], name), other);
    }

    [Fact]
    public async Task Objects_that_other_programs_wrote_are_told_apart_by_their_digests()
    {
        await PutAsForeignAsync("foreign/a", "one");
        await PutAsForeignAsync("foreign/b", "two");
        await CopiesAsync("s3://main/foreign", _folder["out"], copied: 2, equal: 0);
        await CopiesAsync("s3://main/foreign", _folder["out"], copied: 0, equal: 2, "--checksum");
        await PutAsForeignAsync("mirror/a", "one");
        await PutAsForeignAsync("mirror/b", "2.."); // As long, and newer.

        await CopiesAsync("s3://main/foreign", "s3://main/mirror", copied: 1, equal: 1);
        Assert.Equal("two", (await bucket.RunAsync("cat", "s3://main/mirror/b")).Output);
    }

    [Fact]
    public async Task A_blob_that_has_expired_is_not_there_however_it_is_listed()
    {
        string file = _folder.Write("in/a", "text"u8);
        (await bucket.RunAsync("put", file, "s3://main/expired/a", "--expires", "2020-01-01T00:00:00Z")).Exits(0);

        await CopiesAsync(_folder["in"], "s3://main/expired", copied: 1, equal: 0);
        Assert.Equal("text", (await bucket.RunAsync("cat", "s3://main/expired/a")).Exits(0).Output);

        (await bucket.RunAsync("put", file, "s3://main/expired/b", "--expires", "2020-01-01T00:00:00Z")).Exits(0);
        ToolResult copy = (await bucket.RunAsync("cp", "-r", "s3://main/expired", _folder["out"])).Exits(0);
        Assert.Contains("1 skipped", copy.Output, StringComparison.Ordinal);
        Assert.Contains("'s3://main/expired/b': it has expired", copy.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_tells_and_does_nothing()
    {
        WriteFiles(3);
        ToolResult run = (await bucket.RunAsync("cp", "-r", "--dry-run", _folder["in"], "s3://main/dry")).Exits(0);
        Assert.Equal(4, run.Lines.Length);
        Assert.StartsWith("would copy 3 (", run.Lines[^1], StringComparison.Ordinal);
        Assert.Contains("s3://main/dry/0/0.bin", run.Output, StringComparison.Ordinal);
        Assert.Empty((await bucket.RunAsync("ls", "-r", "s3://main/dry")).Lines);

        await CopiesAsync(_folder["in"], "s3://main/dry", copied: 3, equal: 0);
        ToolResult back = (await bucket.RunAsync("cp", "-r", "-n", "s3://main/dry", _folder["out"], "--json")).Exits(0);
        Assert.Equal(3, back.JsonLines[^1].GetProperty("planned").GetInt32());
        Assert.Equal("Planned", back.JsonLines[0].GetProperty("status").GetString());
        Assert.False(Directory.Exists(_folder["out"]));
    }

    [Fact]
    public async Task A_copy_of_2000_files_that_is_killed_goes_on_where_it_was()
    {
        WriteFiles(ManyFiles);
        await KilledAsync(_folder["in"], "s3://main/killed");
        int there = (await bucket.RunAsync("ls", "-r", "s3://main/killed")).Lines.Length;
        Assert.InRange(there, 1, ManyFiles - 1);
        await GoesOnAsync(_folder["in"], "s3://main/killed", there);

        await KilledAsync("s3://main/killed", _folder["out"]);
        string[] files = Directory.GetFiles(_folder["out"], "*", SearchOption.AllDirectories);
        await GoesOnAsync("s3://main/killed", _folder["out"], files.Count(f => Path.GetFileName(f)[0] != '.'));
        CopyTests.AssertSame(_folder["in"], _folder["out"]);
    }

    [Fact]
    public async Task What_a_killed_copy_has_left_is_removed_by_the_next_one_and_never_copied()
    {
        string left = _folder.Write($"out/0/.strata-{Guid.NewGuid():N}.part", "half"u8), similar = _folder.Write("out/0/.strata-mine.part", "mine"u8);
        WriteFiles(3);
        ToolResult up = (await bucket.RunAsync("cp", "-r", _folder["out"], "s3://main/left")).Exits(0);
        Assert.Contains("1 skipped", up.Output, StringComparison.Ordinal);
        await CopiesAsync(_folder["in"], "s3://main/left", copied: 3, equal: 0);

        await CopiesAsync("s3://main/left", _folder["out"], copied: 4, equal: 0);

        Assert.False(File.Exists(left));
        Assert.True(File.Exists(similar));
    }

    [Fact]
    public async Task A_copy_that_is_stopped_tells_what_it_did()
    {
        WriteFiles(ManyFiles);
        using StrataProcess copy = StrataProcess.Begin(bucket.Environment, "cp", "-r", _folder["in"], "s3://main/stopped", "--json");
        Assert.NotNull(await copy.NextLineAsync());

        Assert.Equal(ExitCode.Cancelled, await copy.StopAsync(signal: 2));
    }

    [Fact]
    public async Task A_store_that_answers_no_more_ends_the_copy()
    {
        WriteFiles(ManyFiles);
        ToolResult copy = await bucket.RunAsync("cp", "-r", "--force", "-j", "64", _folder["in"], "s3://main/gone?endpoint=http://127.0.0.1:1&maxAttempts=1", "--json");

        copy.Exits(ExitCode.Unavailable);
        Assert.InRange(copy.JsonLines[^2].GetProperty("failed").GetInt32(), 200, 300);
        Assert.Contains("cannot be reached", copy.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
    }

    private async Task KilledAsync(string from, string to)
    {
        using StrataProcess copy = StrataProcess.Begin(bucket.Environment, "cp", "-r", from, to, "--json");

        // Lines come in pieces of 64 KiB: by now some hundred files are copied.
        Assert.NotNull(await copy.NextLineAsync());
        await copy.StopAsync(signal: 9);
    }

    private async Task GoesOnAsync(string from, string to, int there)
    {
        ToolResult again = (await bucket.RunAsync("cp", "-r", from, to, "--json")).Exits(0);
        int copied = again.JsonLines[^1].GetProperty("copied").GetInt32(), equal = again.JsonLines[^1].GetProperty("equal").GetInt32();
        Assert.Equal(ManyFiles, copied + equal);
        Assert.InRange(equal, there, ManyFiles - 1);
        await CopiesAsync(from, to, copied: 0, equal: ManyFiles);
    }

    private async Task CopiesAsync(string from, string to, int copied, int equal, params string[] options)
    {
        ToolResult copy = (await bucket.RunAsync(["cp", "-r", from, to, "--json", .. options])).Exits(0);
        Assert.True(
            copy.JsonLines[^1].GetProperty("copied").GetInt32() == copied && copy.JsonLines[^1].GetProperty("equal").GetInt32() == equal,
            $"{from} to {to} {string.Join(' ', options)}: {copy.Lines[^1]}; expected {copied} copied, {equal} equal");
    }

    private async Task PutAsForeignAsync(string key, string text)
    {
        using var http = new HttpClient();
        string url = (await bucket.RunAsync("presign", "s3://main/" + key, "--put")).Exits(0).Lines.Single();
        using HttpResponseMessage written = await http.PutAsync(url, new ByteArrayContent(Encoding.UTF8.GetBytes(text)));
        Assert.True(written.IsSuccessStatusCode, written.ToString());
    }

    private void WriteFiles(int count)
    {
        var random = new Random(7);
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = new byte[random.Next(1, 3000)];
            random.NextBytes(bytes);
            _folder.Write($"in/{i % 7}/{(i % 3 == 0 ? "" : $"folder {i % 5}/")}{i}.bin", bytes);
        }
    }
}
