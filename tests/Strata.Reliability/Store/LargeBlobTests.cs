using Strata.Workload;

namespace Strata.Reliability;

/// <summary>A blob of 10 GiB (shorter in the short form) through a disk store whose process may have a heap of a few megabytes.</summary>
public sealed class LargeBlobTests(ITestOutputHelper output)
{
    private const long HeapLimit = 32 << 20;

    [Fact]
    public async Task A_blob_of_any_length_goes_in_and_out_with_a_small_heap()
    {
        using var folder = new TemporaryFolder();
        var settings = new WorkloadSettings { Command = WorkloadCommand.Large, Folder = folder.Path, Bytes = LongForm.Of(10L << 30, 512L << 20) + 5 };
        using WorkloadProcess process = WorkloadProcess.Start(settings, heapLimit: HeapLimit);
        int code = await process.ExitCodeAsync(LongForm.Of(TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2)));
        output.WriteLine(process.Text);
        Assert.True(code == WriteCommand.Well, $"a blob of {settings.Bytes} bytes with a heap of {HeapLimit >> 20} MiB: {process.Text}");
    }
}
