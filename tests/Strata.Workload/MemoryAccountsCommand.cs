using System.Globalization;

namespace Strata.Workload;

/// <summary>A memory store with blobs of each form, and how much more is alive than it says that it holds.</summary>
internal static class MemoryAccountsCommand
{
    private static readonly string[] Forms = ["small", "empty", "large", "metadata", "expiring", "overwritten", "deleted"];

    public static async Task<int> RunAsync(WorkloadSettings settings)
    {
        bool well = true;
        foreach (bool evicts in (bool[])[true, false])
        {
            foreach (string form in Forms)
            {
                double error = await ErrorOfAsync(form, evicts, settings.Bytes);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{form}, {(evicts ? "evicting" : "strict")}: {error:p2} more alive than said"));
                well &= Math.Abs(error) <= MemoryBudgetCommand.Tolerance;
            }
        }

        return well ? WriteCommand.Well : WriteCommand.Wrong;
    }

    private static async Task<double> ErrorOfAsync(string form, bool evicts, long maxBytes)
    {
        long before = ProcessMemory.Live();
        await using var store = new MemoryBlobStore(new MemoryBlobStoreOptions { Evicts = evicts, MaxBytes = maxBytes });
        for (int i = 0; store.GetStatistics().Bytes < maxBytes * 3 / 4 && i < 200_000; i++)
        {
            BlobKey key = BlobKey.Parse($"k/{i}");
            int length = form switch { "empty" => 0, "large" => 100_000, _ => 100 };
            await store.PutBytesAsync(key, new byte[length], OptionsOf(form, i));
            if (form == "overwritten") await store.PutBytesAsync(key, new byte[length + 20]);
            if (form == "deleted" && i % 2 == 0) await store.DeleteAsync(key);
        }

        long alive = ProcessMemory.Live() - before, said = store.GetStatistics().Bytes;
        if (said < maxBytes / 4) throw new InvalidDataException("too little is held to measure");
        return (alive / (double)said) - 1;
    }

    private static WriteOptions? OptionsOf(string form, int number) => form switch
    {
        "metadata" => new WriteOptions { ContentType = $"application/x-{number}", ETag = $"etag-{number}", Metadata = new Dictionary<string, string> { [$"name-{number}"] = $"value {number}", [$"other-{number}"] = new string('x', 1 + (number % 50)) } },
        "expiring" => new WriteOptions { Expires = TimeProvider.System.GetUtcNow().AddHours(1 + (number % 7)) },
        _ => null,
    };
}
