#:project ../src/Strata.S3/Strata.S3.csproj
#:property PublishAot=false

// Hot objects in memory, warm ones on disk, all of them in a bucket.
//
//     export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
//     dotnet run samples/tiers-over-s3.cs s3://BUCKET [FOLDER]
//     dotnet run samples/tiers-over-s3.cs "s3://BUCKET?endpoint=http://127.0.0.1:9000&provider=strata" [FOLDER]

using System.Text;
using Strata;
using Strata.S3;

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: dotnet run samples/tiers-over-s3.cs s3://BUCKET [FOLDER]");
    return 2;
}

string folder = args.Length > 1 ? args[1] : Path.Combine(Path.GetTempPath(), "strata-tiers-over-s3");
var urls = new StoreUrlRegistry();
urls.RegisterS3();

// Others may write to the bucket as well, so a copy above it is served for 10 seconds at most before it is compared with
// the bucket again. If nobody else does, write singleWriter=true into the address instead: then no copy ever needs that.
await using TieredBlobStore store = await new TieredStoreBuilder()
    .WithUrls(urls)
    .AddTier("hot", "memory:", maxBytes: 100 << 20)
    .AddTier("warm", $"file:{folder}/warm", maxBytes: 10L << 30)
    .AddTier("cold", args[0])
    .WithState($"file:{folder}/state")
    .WithOptions(new TieringOptions { FreshFor = TimeSpan.FromSeconds(10) })
    .OpenAsync();

// A write goes down to all tiers; it is acknowledged when the bucket has it.
BlobKey key = BlobKey.Parse("user/123");
WriteResult written = await store.PutBytesAsync(key, """{"name":"Alice"}"""u8.ToArray(), new WriteOptions { ContentType = "application/json" });
Console.WriteLine($"wrote {key} to {string.Join(", ", written.Tiers)}");

// A read takes the fastest copy.
await using (BlobReadResult? read = await store.ReadAsync(key))
{
    if (read is null) throw new InvalidOperationException("The blob that was just written is missing.");
    Console.WriteLine($"read {Encoding.UTF8.GetString(await read.ToArrayAsync())} from {read.Source}");
}

// What an application seldom needs at once goes to the bucket alone.
BlobKey log = BlobKey.Parse("logs/2026-01-01.txt");
written = await store.PutBytesAsync(log, "started\n"u8.ToArray(), new WriteOptions { OnlyTiers = ["cold"] });
Console.WriteLine($"wrote {log} to {string.Join(", ", written.Tiers)}");

// A condition is decided by the bucket, among all that write to it.
WriteResult again = await store.PutBytesAsync(key, "{}"u8.ToArray(), new WriteOptions { Condition = WriteCondition.IfAbsent });
Console.WriteLine($"a second creation: {again.Status}");

await foreach (BlobInfo info in store.EnumerateAsync()) Console.WriteLine($"{info.Length,9:N0} B  {info.Key}");
foreach (TierStatistics tier in store.GetTierStatistics()) Console.WriteLine($"{tier.Name}: {tier.Hits} hits");
DoubtStatus doubts = store.GetDoubts();
Console.WriteLine($"{doubts.Keys} changes of unknown outcome");
await store.DeleteAsync(key);
await store.DeleteAsync(log);
return 0;
