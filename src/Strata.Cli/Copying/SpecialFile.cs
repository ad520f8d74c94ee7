using System.Runtime.InteropServices;

namespace Strata.Cli;

/// <summary>Pipes, sockets and devices, which .NET does not tell from files: opening a pipe would wait for its writer.</summary>
internal static partial class SpecialFile
{
    // The layout of statx(2) is the same on every processor: the mode, of 16 bits, is at byte 28 of 256.
    private const int CurrentFolder = -100, NoFollow = 0x100, AnswerBytes = 256, ModeOffset = 28, TypeBits = 0xF000, Regular = 0x8000;
    private const uint WantType = 1;

    /// <summary>True if the path is known to be no regular file.</summary>
    public static bool Is(string path)
    {
        if (!OperatingSystem.IsLinux()) return false;
        Span<byte> answer = stackalloc byte[AnswerBytes];
        return Statx(CurrentFolder, path, NoFollow, WantType, answer) == 0
            && (MemoryMarshal.Read<ushort>(answer[ModeOffset..]) & TypeBits) != Regular;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Span<byte> answer);
}
