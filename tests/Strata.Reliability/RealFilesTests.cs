using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Strata.Reliability;

/// <summary>Real data through the tool and the server: thousands of files, and one of 2 GiB, with the server's memory bounded.</summary>
public sealed class RealFilesTests(ITestOutputHelper output)
{
    private const long MostServerMemory = 300L << 20;
    private const long Large = 2L << 30;

    [Fact]
    public async Task Three_thousand_real_files_go_in_and_come_out_the_same()
    {
        using var folder = new TemporaryFolder();
        string source = Path.Combine(folder.Path, "in"), target = Path.Combine(folder.Path, "out"), data = Path.Combine(folder.Path, "data");
        int files = CopyRealFiles(source, 3000);
        Assert.Equal(0, await StrataAsync("cp", "-r", source, "strata:main/files", "--data", data));
        Assert.Equal(0, await StrataAsync("cp", "-r", "strata:main/files", target, "--data", data));
        using Process diff = Process.Start("diff", ["-r", source, target]);
        await diff.WaitForExitAsync();
        Assert.Equal(0, diff.ExitCode);
        Assert.Equal(files, Directory.GetFiles(target, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task A_file_of_2_GiB_goes_in_and_out_by_tool_and_by_S3_while_the_server_stays_under_300_MB()
    {
        using var folder = new TemporaryFolder();
        string data = Path.Combine(folder.Path, "data"), file = Path.Combine(folder.Path, "large"), back = Path.Combine(folder.Path, "back");
        string expected = await WriteLargeAsync(file);
        using ServeProcess server = await ServeProcess.StartAsync(data);
        Assert.Equal(0, await StrataAsync("put", file, "main/by-tool", "--data", data));
        Assert.Equal(0, await StrataAsync("get", "main/by-tool", back, "--data", data));
        Assert.Equal(expected, await HashAsync(File.OpenRead(back)));
        File.Delete(back);

        using var client = new HttpClient { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(5) };
        using (var body = new StreamContent(File.OpenRead(file)))
        {
            body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            using HttpResponseMessage put = await client.PutAsync(new Uri("/main/by-s3", UriKind.Relative), body);
            Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
        }

        Assert.Equal(expected, await HashAsync(await client.GetStreamAsync(new Uri("/main/by-s3", UriKind.Relative))));
        long peak = server.PeakMemory();
        output.WriteLine($"the server's peak resident memory: {peak >> 20} MiB");
        Assert.True(peak < MostServerMemory, $"the server needed {peak >> 20} MiB for a blob of 2 GiB; it must stay under {MostServerMemory >> 20}");
    }

    /// <summary>Files of the .NET SDK itself: thousands, of every size, with their folders.</summary>
    private static int CopyRealFiles(string target, int most)
    {
        string sdk = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        int copied = 0;
        foreach (string file in Directory.EnumerateFiles(sdk, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f) is { LinkTarget: null, Length: < 4 << 20 }).Take(most))
        {
            string to = Path.Combine(target, Path.GetRelativePath(sdk, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
            copied++;
        }

        Assert.True(copied == most, $"the SDK's folder {sdk} holds only {copied} files");
        return copied;
    }

    private static async Task<string> WriteLargeAsync(string path)
    {
        byte[] piece = new byte[8 << 20];
        await using FileStream file = File.Create(path);
        for (long at = 0; at < Large; at += piece.Length)
        {
            // Each piece differs from all others, so that one out of place is noticed.
            new Random((int)(at >> 20)).NextBytes(piece.AsSpan(0, 64 << 10));
            await file.WriteAsync(piece);
        }

        file.Position = 0;
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
    }

    private static async Task<string> HashAsync(Stream stream)
    {
        await using (stream) return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream));
    }

    private async Task<int> StrataAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Strata.Cli.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(), printed = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        output.WriteLine($"strata {arguments[0]}: exit {process.ExitCode} {await printed} {await errors}");
        return process.ExitCode;
    }
}
