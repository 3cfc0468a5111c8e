/* A service for the tests: it takes connections at the port that its command line ends with, until
 * it is told to stop. With port 0 it stops at once. */
#include <winsock2.h>
#include <stdlib.h>
#include <string.h>

static SERVICE_STATUS_HANDLE service;
static SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, SERVICE_RUNNING, SERVICE_ACCEPT_STOP};
static HANDLE stopped;

static void tell(DWORD state) {
    status.dwCurrentState = state;
    SetServiceStatus(service, &status);
}

static void WINAPI control(DWORD wanted) {
    if (wanted == SERVICE_CONTROL_STOP) SetEvent(stopped);
}

static SOCKET listening(unsigned short port) {
    struct sockaddr_in at = {AF_INET, htons(port), {{{127, 0, 0, 1}}}};
    SOCKET sock = socket(AF_INET, SOCK_STREAM, 0);
    bind(sock, (struct sockaddr *)&at, sizeof at);
    listen(sock, 5);
    return sock;
}

static void WINAPI run(DWORD count, char **arguments) {
    int port = atoi(strrchr(GetCommandLineA(), ' ') + 1);
    stopped = CreateEventA(NULL, TRUE, FALSE, NULL);
    service = RegisterServiceCtrlHandlerA("", control);
    if (port) {
        SOCKET sock = listening((unsigned short)port);
        tell(SERVICE_RUNNING);
        WaitForSingleObject(stopped, INFINITE);
        closesocket(sock);
    }
    tell(SERVICE_STOPPED);
}

int main(void) {
    SERVICE_TABLE_ENTRYA table[] = {{"", run}, {NULL, NULL}};
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    return !StartServiceCtrlDispatcherA(table);
}
