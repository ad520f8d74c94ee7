using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Strata.Workload;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>A blob far larger than memory, up and down by a process of its own that opens the store by its address, as a program does; every byte is compared.</summary>
public abstract partial class LargeTransferTests(IRemoteServer server, ITestOutputHelper output)
{
    private const long MostMemory = 200_000_000, HeapLimit = 112 << 20;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_blob_of_gigabytes_goes_up_and_down_within_200_MB(bool tellsLength)
    {
        string place = await server.CreatePlaceAsync();
        var settings = new WorkloadSettings { Command = WorkloadCommand.Transfer, Folder = Path.GetTempPath(), Url = server.UrlOf(place), Bytes = LongForm.Of(5L << 30, 256L << 20) + 5, TellsLength = tellsLength };
        string printed = await RunAsync(settings, LongForm.Of(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(4)));
        output.WriteLine(printed);
        long peak = long.Parse(Peak().Match(printed).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        Assert.True(peak < MostMemory, $"the process had {peak / 1_000_000} MB resident at its peak: {printed}");
        Assert.Equal(0, await server.UnfinishedAsync(place));
        await server.RemovePlaceAsync(place);
    }

    private async Task<string> RunAsync(WorkloadSettings settings, TimeSpan limit)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Strata.Workload.dll"), .. settings.ToArguments()]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };

        // What is dead may lie about as long as the runtime finds room: it takes its measure from the processor's cache.
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit.ToString("x", CultureInfo.InvariantCulture);
        foreach ((string name, string value) in server.Environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> printed = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(limit);
            Assert.True(process.ExitCode == 0, $"{await printed}{await errors}");
            return await printed;
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    [GeneratedRegex("peak resident ([0-9]+) bytes")]
    private static partial Regex Peak();
}

[Collection(nameof(CephServer))]
public sealed class CephLargeTransferTests(CephServer server, ITestOutputHelper output) : LargeTransferTests(server, output);

public sealed class StrataLargeTransferTests(ServedStrata server, ITestOutputHelper output) : LargeTransferTests(server, output), IClassFixture<ServedStrata>;

public sealed class AzuriteLargeTransferTests(AzuriteOnDisk server, ITestOutputHelper output) : LargeTransferTests(server, output), IClassFixture<AzuriteOnDisk>;
