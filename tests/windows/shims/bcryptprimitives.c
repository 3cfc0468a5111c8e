/* bcryptprimitives.dll: Wine 8 has none, and Rust's standard library takes its randomness there.
 * SystemFunction036 is RtlGenRandom of advapi32. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG bytes);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T bytes) {
    const SIZE_T most = 1 << 20;
    for (SIZE_T done = 0; done < bytes; done += most) {
        SIZE_T part = bytes - done < most ? bytes - done : most;
        if (!SystemFunction036(buffer + done, (ULONG)part)) return FALSE;
    }
    return TRUE;
}
