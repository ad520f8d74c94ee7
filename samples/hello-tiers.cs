#:project ../src/Strata/Strata.csproj
#:property PublishAot=false

// Memory over disk as one store: put, get, list, conditional write, expiry.
//
//     dotnet run samples/hello-tiers.cs [FOLDER]

using System.Text;
using Strata;

string folder = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "strata-hello");

// The last tier is the origin: it holds everything, and a write is acknowledged when it has it. The tiers above hold
// copies; a memory store that evicts is a cache. The tiered store owns its tiers and closes them.
await using var store = new TieredBlobStore(
[
    new Tier { Name = "hot", Store = new MemoryBlobStore(new MemoryBlobStoreOptions { Name = "hot", MaxBytes = 64 << 20, Evicts = true }) },
    new Tier { Name = "cold", Store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Name = "cold", Path = folder }) },
]);

// Put and get.
BlobKey key = BlobKey.Parse("notes/hello.txt");
WriteResult first = await store.PutBytesAsync(key, "Hello, tiers."u8.ToArray(), new WriteOptions { ContentType = "text/plain" });
Console.WriteLine($"wrote {key}, held by {string.Join(" and ", first.Tiers)}");
await using (BlobReadResult? read = await store.ReadAsync(key))
{
    if (read is null) throw new InvalidOperationException("The blob that was just written is missing.");
    Console.WriteLine($"read '{Encoding.UTF8.GetString(await read.ToArrayAsync())}' from {read.Source}");
}

// A conditional write: only over the version that was read. The second writer loses, by a status and not an exception.
var unchanged = new WriteOptions { Condition = WriteCondition.IfMatch(first.Info!.ETag) };
WriteResult second = await store.PutBytesAsync(key, "Hello again."u8.ToArray(), unchanged);
WriteResult third = await store.PutBytesAsync(key, "Too late."u8.ToArray(), unchanged);
Console.WriteLine($"first writer: {second.Status}; second writer: {third.Status}");

// Expiry: from that moment on the blob is as if it were missing.
DateTimeOffset now = TimeProvider.System.GetUtcNow();
BlobKey session = BlobKey.Parse("sessions/42");
await store.PutBytesAsync(session, "short-lived"u8.ToArray(), new WriteOptions { Expires = now.AddHours(1) });
await store.TouchAsync(session, now.AddSeconds(-1));
Console.WriteLine($"expired session exists: {await store.ExistsAsync(session)}");

// A large blob, in bounded memory: visible from its commit on, whole or not at all.
await using (IBlobWriter writer = await store.OpenWriterAsync(BlobKey.Parse("notes/large.bin")))
{
    for (int i = 0; i < 1024; i++) await writer.WriteAsync(new byte[4096], CancellationToken.None);
    await writer.CommitAsync(null, CancellationToken.None);
}

// List, in key order.
await foreach (BlobInfo info in store.EnumerateAsync("notes/")) Console.WriteLine($"{info.Length,9:N0} B  {info.Key}");

// What the tiers did.
foreach (TierStatistics tier in store.GetTierStatistics()) Console.WriteLine($"{tier.Name}: {tier.Blobs} blobs, {tier.Hits} hits");
